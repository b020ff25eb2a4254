// client ADDRESS API_KEY SERVICE_CONFIG_FILE: sends one e-mail and prints its final state. Exit code 0 if it was sent.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"time"

	pb "carillon-client/gen/carillon/v1" // made by `buf generate`

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

// Usually well under a second; the rest is for a busy machine.
const deadline = 30 * time.Second

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: client ADDRESS API_KEY SERVICE_CONFIG_FILE")
	}
	state, err := send(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(state)
	if state != pb.DeliveryState_DELIVERY_STATE_SENT && state != pb.DeliveryState_DELIVERY_STATE_DELIVERED {
		os.Exit(1)
	}
}

func send(address, apiKey, serviceConfigFile string) (pb.DeliveryState, error) {
	serviceConfig, err := os.ReadFile(serviceConfigFile)
	if err != nil {
		return 0, err
	}
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(string(serviceConfig)),
		grpc.WithDisableServiceConfig(),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 60 * time.Second, Timeout: 20 * time.Second}),
	)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	carillon := pb.NewNotificationServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+apiKey)

	answer, err := carillon.SendNotification(ctx, &pb.SendNotificationRequest{Notification: &pb.Notification{
		IdempotencyKey:    rand.Text(),
		Recipient:         &pb.Recipient{To: &pb.Recipient_Endpoint{Endpoint: &pb.Endpoint{Address: &pb.Endpoint_EmailAddress{EmailAddress: "ada@example.com"}}}},
		NotificationClass: pb.NotificationClass_NOTIFICATION_CLASS_TRANSACTIONAL,
		Category:          "receipts",
		Content:           &pb.Content{Email: &pb.EmailContent{Subject: "Your receipt", Text: "Thank you."}},
	}})
	if err != nil {
		return 0, err
	}
	for {
		got, err := carillon.GetNotification(ctx, &pb.GetNotificationRequest{NotificationId: answer.Accepted.NotificationId})
		if err != nil {
			return 0, err
		}
		state := got.Deliveries[0].State
		if state != pb.DeliveryState_DELIVERY_STATE_PENDING && state != pb.DeliveryState_DELIVERY_STATE_UNCERTAIN {
			return state, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}
