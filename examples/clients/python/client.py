"""client.py ADDRESS API_KEY SERVICE_CONFIG_FILE: sends one e-mail and prints its final state. Exit code 0 if it was sent."""

import sys
import time
import uuid
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).parent / "gen"))  # made by `buf generate`
from carillon.v1 import notification_service_pb2 as pb
from carillon.v1 import notification_service_pb2_grpc as rpc

# Usually well under a second; the rest is for a busy machine.
DEADLINE_S = 30


def send(address: str, api_key: str, service_config_file: str) -> str:
    options = [
        ("grpc.service_config", Path(service_config_file).read_text()),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
    ]
    channel = grpc.insecure_channel(address, options)
    carillon = rpc.NotificationServiceStub(channel)
    metadata = [("authorization", f"Bearer {api_key}")]
    request = pb.SendNotificationRequest(
        notification=pb.Notification(
            idempotency_key=str(uuid.uuid4()),
            recipient={"endpoint": {"email_address": "ada@example.com"}},
            notification_class=pb.NOTIFICATION_CLASS_TRANSACTIONAL,
            category="receipts",
            content={"email": {"subject": "Your receipt", "text": "Thank you."}},
        )
    )
    accepted = carillon.SendNotification(request, metadata=metadata, timeout=5).accepted

    deadline = time.monotonic() + DEADLINE_S
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
