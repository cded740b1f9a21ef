"""Towns of the simulated world, with what the providers say about a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A town. `streets` are real ones there; house numbers are made up."""

    city: str
    zip_code: str
    country: str
    country_code: str
    latitude: float
    longitude: float
    timezone: str
    streets: tuple[str, ...] = ()


_PLACES: tuple[Place, ...] = (
    Place("Berlin", "10119", "Germany", "DE", 52.53, 13.40, "Europe/Berlin", ("Torstraße", "Linienstraße")),
    Place("Hamburg", "20357", "Germany", "DE", 53.56, 9.96, "Europe/Berlin", ("Schanzenstraße", "Marktstraße")),
    Place("München", "80469", "Germany", "DE", 48.13, 11.57, "Europe/Berlin", ("Fraunhoferstraße", "Müllerstraße")),
    Place("Köln", "50674", "Germany", "DE", 50.93, 6.94, "Europe/Berlin", ("Aachener Straße", "Lindenstraße")),
    Place(
        "Amsterdam", "1016 DK", "Netherlands", "NL", 52.37, 4.88, "Europe/Amsterdam", ("Prinsengracht", "Rozengracht")
    ),
    Place("Utrecht", "3511 LX", "Netherlands", "NL", 52.09, 5.12, "Europe/Amsterdam", ("Oudegracht", "Voorstraat")),
    Place("Rotterdam", "3012 CN", "Netherlands", "NL", 51.92, 4.47, "Europe/Amsterdam", ("Witte de Withstraat",)),
    Place("Wien", "1070", "Austria", "AT", 48.20, 16.35, "Europe/Vienna", ("Neubaugasse", "Burggasse")),
    Place("Graz", "8010", "Austria", "AT", 47.07, 15.44, "Europe/Vienna", ("Herrengasse", "Sporgasse")),
    Place("Antwerpen", "2000", "Belgium", "BE", 51.22, 4.40, "Europe/Brussels", ("Nationalestraat", "Kloosterstraat")),
    Place("Paris", "75011", "France", "FR", 48.86, 2.38, "Europe/Paris", ("Rue Oberkampf", "Rue de Charonne")),
    Place("København", "2200", "Denmark", "DK", 55.69, 12.55, "Europe/Copenhagen", ("Elmegade", "Jægersborggade")),
    Place("Leipzig", "04435", "Germany", "DE", 51.42, 12.24, "Europe/Berlin"),
    Place("Venlo", "5928", "Netherlands", "NL", 51.37, 6.10, "Europe/Amsterdam"),
)

PLACES: Mapping[str, Place] = {place.city: place for place in _PLACES}
"""Every town by its name."""

TOWNS: tuple[Place, ...] = tuple(place for place in _PLACES if place.streets)
"""Where customers live."""

HUBS: tuple[str, ...] = tuple(place.city for place in _PLACES if not place.streets)
"""Where carriers sort parcels and nobody lives."""
