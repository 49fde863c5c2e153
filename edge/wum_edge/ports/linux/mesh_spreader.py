"""What an updater says to the station of the mesh, and the station to it."""

from wum_edge.mesh.relay import Relay
from wum_edge.ports.linux.mesh_station import Station
from wum_edge.update.sharing import Spreader


class LinuxSpreader(Spreader):
    """A station's images."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def images(self) -> dict[bytes, int]:
        return self._station.with_relay(lambda relay, _: {
            image.name: image.have for image in relay.spread.images})

    def take_up(self, name: bytes, size: int, index: bytes, have: int, whole: bytes) -> None:
        self._station.with_relay(
            lambda relay, t_us: relay.take_up(t_us, name, size, index, have, whole))

    def have(self, name: bytes, have: int) -> None:
        self._station.with_relay(lambda relay, t_us: relay.has_pages(t_us, name, have))

    def drop(self, name: bytes) -> None:
        def drop(relay: Relay, _: int) -> None:
            relay.spread.drop(name)
        self._station.with_relay(drop)

    def give(self, name: bytes, page: int, data: bytes | None) -> None:
        self._station.with_relay(lambda relay, t_us: relay.give_page(t_us, name, page, data))
