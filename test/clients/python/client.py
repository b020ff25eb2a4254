"""client.py ADDRESS API_KEY SERVICE_CONFIG_FILE: sends one e-mail and prints how it ended. Exit code 0 if it went out."""

import sys
import time
import uuid
from pathlib import Path

import grpc
from carillon.v1 import notification_service_pb2 as pb
from carillon.v1 import notification_service_pb2_grpc as rpc

# The whole way takes well under a second; the rest is for a machine busy with other things.
ENDED_WITHIN_S = 30


def send(address: str, api_key: str, service_config_file: str) -> str:
    options = [
        ("grpc.service_config", Path(service_config_file).read_text()),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
    ]
    carillon = rpc.NotificationServiceStub(grpc.insecure_channel(address, options))
    metadata = [("authorization", f"Bearer {api_key}")]
    notification = pb.Notification(
        idempotency_key=str(uuid.uuid4()),
        recipient={"endpoint": {"email_address": "ada@example.com"}},
        notification_class=pb.NOTIFICATION_CLASS_TRANSACTIONAL,
        category="receipts",
        content={"email": {"subject": "Your receipt", "text": "Thank you."}},
    )
    accepted = carillon.SendNotification(pb.SendNotificationRequest(notification=notification), metadata=metadata, timeout=5).accepted

    deadline = time.monotonic() + ENDED_WITHIN_S
    while True:
        got = carillon.GetNotification(pb.GetNotificationRequest(notification_id=accepted.notification_id), metadata=metadata, timeout=5)
        state = pb.DeliveryState.Name(got.deliveries[0].state)
        if state not in ("DELIVERY_STATE_PENDING", "DELIVERY_STATE_UNCERTAIN") or time.monotonic() > deadline:
            return state
        time.sleep(0.1)


if __name__ == "__main__":
    final = send(*sys.argv[1:4])
    print(final)
    sys.exit(0 if final in ("DELIVERY_STATE_SENT", "DELIVERY_STATE_DELIVERED") else 1)
