"""What the simulated shop sells, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.simulation.world import ScriptedProduct


def _product(
    sku: str, title: str, price: str, weight_grams: int, bundled: tuple[ScriptedProduct, ...] = ()
) -> ScriptedProduct:
    product = ScriptedProduct(
        title=title,
        quantity=1,
        price=price,
        sku=sku,
        weight_grams=weight_grams,
        image=f"https://cdn.demo-shop.example/products/{sku.lower()}.jpg",
    )
    if bundled:
        product["bundled"] = bundled
    return product


_DRIPPER = _product("CF-DRIP-02", "Ceramic Pour-Over Dripper", "24.90", 420)
_FILTERS = _product("CF-FILT-100", "Paper Filters, 100 Pieces", "4.50", 160)
_BEANS = _product("CF-BEAN-ETH", "Ethiopia Guji, Whole Bean, 250 g", "12.90", 270)
_KETTLE = _product("CF-KETT-09", "Gooseneck Kettle, 0.9 l", "59.00", 1_150)
_MUG = _product("HM-MUG-SAND", "Stoneware Mug, Sand", "16.00", 380)
_BLANKET = _product("HM-BLNK-GRY", "Merino Blanket, Grey", "119.00", 1_400)

PRODUCTS: tuple[ScriptedProduct, ...] = (
    _DRIPPER,
    _FILTERS,
    _BEANS,
    _KETTLE,
    _MUG,
    _BLANKET,
    _product("CF-GRND-01", "Hand Grinder, Steel Burr", "89.00", 620),
    _product("HM-LAMP-07", "Desk Lamp, Oak and Brass", "139.00", 2_300),
    _product("HM-APRN-NVY", "Linen Apron, Navy", "38.50", 290),
    _product("TB-BOARD-L", "Walnut Cutting Board, Large", "64.00", 1_900),
)

BUNDLES: tuple[ScriptedProduct, ...] = (
    _product("BD-POUR-OVER", "Pour-Over Starter Set", "39.90", 850, (_DRIPPER, _FILTERS, _BEANS)),
    _product("BD-SUNDAY", "Slow Sunday Box", "189.00", 2_930, (_BLANKET, _KETTLE, _MUG)),
)


@dataclass(frozen=True, slots=True)
class CarrierNumbers:
    """How a carrier's numbers look in this world: `#` stands for a digit."""

    reference: str
    pattern: str


_GERMAN = (CarrierNumbers("dhl", "003404341#########"), CarrierNumbers("dpd", "0150####0#####"))
_DUTCH = (CarrierNumbers("postnl_inter", "3SDEMO#########"), CarrierNumbers("gls", "###########"))
_ANYWHERE = CarrierNumbers("ups", "1Z999AA1##########")

CARRIERS: Mapping[str, tuple[CarrierNumbers, ...]] = {
    "DE": (*_GERMAN, CarrierNumbers("hrs", "H10########")),
    "NL": (*_DUTCH, _ANYWHERE),
    "AT": (CarrierNumbers("postat", "10##############"), *_GERMAN),
    "BE": (CarrierNumbers("bpost", "3232##########"), *_DUTCH),
    "FR": (_ANYWHERE, _GERMAN[1]),
    "DK": (CarrierNumbers("dao", "0057#########"), CarrierNumbers("postnord", "003707############")),
}
"""The carriers that deliver to a country, by Karla's `carrier_reference`."""

CUSTOMERS: Mapping[str, tuple[str, ...]] = {
    "DE": ("Lena Hoffmann", "Jonas Krüger", "Miriam Schulz", "Tarek Aydin", "Clara Vogel", "Felix Brandt"),
    "NL": ("Sanne de Vries", "Daan Bakker", "Fatima El Amrani", "Bram Visser", "Noor Jansen"),
    "AT": ("Anna Gruber", "Lukas Steiner", "Sophie Wagner"),
    "BE": ("Emma Peeters", "Wout Claes", "Lotte Maes"),
    "FR": ("Camille Laurent", "Hugo Moreau", "Inès Benali"),
    "DK": ("Freja Nielsen", "Mads Sørensen", "Ida Kjær"),
}
"""Made-up customers by country."""

DRIVERS: tuple[str, ...] = ("amina@demo-shop.example", "piet@demo-shop.example", "jo@demo-shop.example")
"""The shop's own drivers, by HyperTrack worker handle."""
