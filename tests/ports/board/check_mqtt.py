"""MQTT 3.1.1: packets as the standard has them, in whatever pieces they come."""

from wum_edge.ports.micropython import mqtt


def check_packets_are_the_standards():
    assert mqtt.connect("c", "u", "p", 30) == (
        b"\x10\x13\x00\x04MQTT\x04\xc2\x00\x1e\x00\x01c\x00\x01u\x00\x01p")
    assert mqtt.publish("a/b", b"xyz", 258) == b"\x32\x0a\x00\x03a/b\x01\x02xyz"
    assert mqtt.subscribe("a/+", 7) == b"\x82\x08\x00\x07\x00\x03a/+\x01"
    assert mqtt.unsubscribe("a/+", 7) == b"\xa2\x07\x00\x07\x00\x03a/+"
    assert mqtt.puback(258) == b"\x40\x02\x01\x02"
    assert mqtt.publish("t", bytes(300), 1)[:3] == b"\x32\xb1\x02"


STREAM = (b"\x20\x02\x00\x00" + b"\x90\x03\x00\x07\x01" + b"\x40\x02\x01\x02" + b"\xd0\x00"
          + b"\x32\x0a\x00\x03a/b\x01\x02xyz" + b"\x30\x08\x00\x03a/bxyz")
PACKETS = [(mqtt.CONNACK, 0, "", b""), (mqtt.SUBACK, 7, "", b"\x01"), (mqtt.PUBACK, 258, "", b""),
           (mqtt.PINGRESP, 0, "", b""), (mqtt.PUBLISH, 258, "a/b", b"xyz"),
           (mqtt.PUBLISH, 0, "a/b", b"xyz")]


def check_pieces_of_any_size_give_the_same_packets():
    for size in range(1, len(STREAM) + 1):
        hearing, found = mqtt.Hearing(100), []
        for at in range(0, len(STREAM), size):
            found += hearing.take(STREAM[at:at + size])
        assert found == PACKETS, (size, found)


def check_a_message_that_is_too_long_is_skipped_and_what_follows_is_heard():
    long = mqtt.publish("t", bytes(1000), 9)
    for size in (1, 7, 500, 5000):
        hearing, found = mqtt.Hearing(100), []
        stream = long + STREAM
        for at in range(0, len(stream), size):
            found += hearing.take(stream[at:at + size])
        assert found == PACKETS and hearing.skipped == 1, (size, found)


def check_what_is_no_mqtt_is_refused():
    for wrong in (b"\x20\x00", b"\x30\xff\xff\xff\xff\x01", b"\x32\x03\x00\x09a",
                  b"\x34\x05\x00\x01t\x00\x01", b"\x30\x03\x00\x01\xff", b"\x10\x02\x00\x00",
                  b"\x32\x01\x00"):
        try:
            found = mqtt.Hearing(100).take(wrong)
        except mqtt.Violation:
            continue
        raise AssertionError((wrong, found))
