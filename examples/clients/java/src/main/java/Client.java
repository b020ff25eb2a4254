import com.carillon.v1.Content;
import com.carillon.v1.DeliveryState;
import com.carillon.v1.EmailContent;
import com.carillon.v1.Endpoint;
import com.carillon.v1.GetNotificationRequest;
import com.carillon.v1.Notification;
import com.carillon.v1.NotificationClass;
import com.carillon.v1.NotificationServiceGrpc;
import com.carillon.v1.NotificationServiceGrpc.NotificationServiceBlockingStub;
import com.carillon.v1.Recipient;
import com.carillon.v1.SendNotificationRequest;
import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/** Client ADDRESS API_KEY SERVICE_CONFIG_FILE: sends one e-mail and prints its final state. Exit code 0 if it was sent. */
public final class Client {
  /** Usually well under a second; the rest is for a busy machine. */
  private static final long DEADLINE_S = 30;

  public static void main(String[] arguments) throws IOException, InterruptedException {
    ManagedChannel channel = connect(arguments[0], Path.of(arguments[2]));
    DeliveryState state;
    try {
      state = send(channel, arguments[1]);
    } catch (StatusRuntimeException error) {
      System.err.println(error.getStatus());
      System.exit(1);
      return;
    } finally {
      channel.shutdownNow();
    }
    System.out.println(state);
    System.exit(state == DeliveryState.DELIVERY_STATE_SENT || state == DeliveryState.DELIVERY_STATE_DELIVERED ? 0 : 1);
  }

  private static ManagedChannel connect(String address, Path serviceConfigFile) throws IOException {
    Map<String, ?> serviceConfig = new Gson().fromJson(Files.readString(serviceConfigFile), new TypeToken<Map<String, Object>>() {});
    ManagedChannel channel = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create())
        .defaultServiceConfig(serviceConfig)
        .disableServiceConfigLookUp()
        .keepAliveTime(60, TimeUnit.SECONDS)
        .keepAliveTimeout(20, TimeUnit.SECONDS)
        .build();
    return channel;
  }

  private static DeliveryState send(ManagedChannel channel, String apiKey) throws InterruptedException {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + apiKey);
    NotificationServiceBlockingStub carillon =
        NotificationServiceGrpc.newBlockingStub(channel).withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));

    Notification notification = Notification.newBuilder()
        .setIdempotencyKey(UUID.randomUUID().toString())
        .setRecipient(Recipient.newBuilder().setEndpoint(Endpoint.newBuilder().setEmailAddress("ada@example.com")))
        .setNotificationClass(NotificationClass.NOTIFICATION_CLASS_TRANSACTIONAL)
        .setCategory("receipts")
        .setContent(Content.newBuilder().setEmail(EmailContent.newBuilder().setSubject("Your receipt").setText("Thank you.")))
        .build();
    var accepted = carillon.withDeadlineAfter(5, TimeUnit.SECONDS)
        .sendNotification(SendNotificationRequest.newBuilder().setNotification(notification).build()).getAccepted();

    GetNotificationRequest request = GetNotificationRequest.newBuilder().setNotificationId(accepted.getNotificationId()).build();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_S);
    while (true) {
      DeliveryState state = carillon.withDeadlineAfter(5, TimeUnit.SECONDS).getNotification(request).getDeliveries(0).getState();
      boolean open = state == DeliveryState.DELIVERY_STATE_PENDING || state == DeliveryState.DELIVERY_STATE_UNCERTAIN;
      if (!open || System.nanoTime() > deadline) return state;
      Thread.sleep(100);
    }
  }
}
