"""Topic names: built and parsed in one place."""

from tests.portable import raises
from wum_shared import topics
from wum_shared.errors import Malformed

CONCENTRATOR = b"\x01\x23\x45\x67\x89\xab\xcd\xef"


def test_a_topic_names_version_concentrator_direction_and_stream():
    name = topics.topic(CONCENTRATOR, topics.UP, topics.BATCH)
    assert name == "wum/0/0123456789abcdef/up/batch"
    assert topics.topic(CONCENTRATOR, topics.DOWN, topics.ACKNOWLEDGEMENT).endswith("/down/ack")


def test_every_topic_is_parsed_into_what_it_was_built_of():
    for direction in (topics.UP, topics.DOWN):
        for stream in (topics.BATCH, topics.SCHEMA, topics.ACKNOWLEDGEMENT, topics.REQUEST,
                       topics.ANSWER):
            name = topics.topic(CONCENTRATOR, direction, stream)
            assert topics.parse_topic(name) == (CONCENTRATOR, direction, stream)


def test_what_is_no_topic_of_ours_is_refused():
    good = "wum/0/0123456789abcdef/up/batch"
    assert topics.parse_topic(good)
    for name in ("", "wum", good + "/", good + "/x", "/" + good, good[:-6], good[:-5],
                 "wum/1/0123456789abcdef/up/batch", "WUM/0/0123456789abcdef/up/batch",
                 "wum/0/0123456789ABCDEF/up/batch", "wum/0/0123456789abcde/up/batch",
                 "wum/0/0123456789abcdef/sideways/batch", "wum/0/+/up/batch",
                 "wum/0/0123456789abcdef/up/#", "wum/0/0123456789abcdef/up/b c", "x" * 70000):
        text = raises(Malformed, lambda name=name: topics.parse_topic(name))
        assert len(text) < 300


def test_another_direction_is_a_mistake_of_the_caller():
    raises(AssertionError, lambda: topics.topic(CONCENTRATOR, "sideways", topics.BATCH))
