"""The questionnaire and the data dictionary of a simulated study."""

from __future__ import annotations

from typing import NamedTuple

from cxuxlib.study import Column

__all__ = ["COLUMNS", "ITEMS", "TABLES", "Item"]


class Item(NamedTuple):
    """A question: its column, the state of mind behind it, and the range of its answers."""

    column: Column
    state: str
    low: int
    high: int


_KINDS = {
    "ux": ("item", "UX", "UX"),
    "service": ("item", "service", "service"),
    "delivery": ("item", "other facet", "delivery"),
    "value": ("item", "other facet", "price/value"),
    "brand": ("item", "other facet", "brand"),
    "innovation": ("item", "other facet", "innovation"),
    "cx": ("cx", "CX", ""),
    "satisfaction": ("rating", "CX", ""),
    "effort": ("rating", "CX", ""),
    "loyalty": ("loyalty", "loyalty", ""),
}


def _item(name: str, state: str, question: str, low: int = 1, high: int = 7) -> Item:
    role, construct, facet = _KINDS[state]
    return Item(Column(name, question, role, construct, facet, low, high, f"points, {low} to {high}"), state, low, high)


ITEMS = (
    _item("seq", "ux", "Overall, how easy or difficult was the last task (SEQ)?"),
    _item("umux_needs", "ux", "The product does what I need it to do (UMUX-LITE)."),
    _item("umux_ease", "ux", "The product is easy to use (UMUX-LITE)."),
    _item("service_reach", "service", "I get hold of somebody when I need help."),
    _item("service_kind", "service", "I am treated with courtesy."),
    _item("service_solves", "service", "My problems are solved."),
    _item("delivery_on_time", "delivery", "Orders come when they are promised."),
    _item("delivery_intact", "delivery", "Orders come complete and intact."),
    _item("delivery_informed", "delivery", "I know where my order is."),
    _item("value_price", "value", "The price is fair."),
    _item("value_worth", "value", "It is worth what it costs."),
    _item("value_terms", "value", "The terms are clear."),
    _item("brand_trust", "brand", "I trust the brand."),
    _item("brand_values", "brand", "The brand stands for what matters to me."),
    _item("brand_known", "brand", "The brand is well spoken of."),
    _item("innovation_new", "innovation", "The brand comes up with something new."),
    _item("innovation_first", "innovation", "It has what others do not have yet."),
    _item("innovation_use", "innovation", "What is new is of use to me."),
    _item("cx_overall", "cx", "All in all, how is your experience with us as a company?"),
    _item("cx_expected", "cx", "Compared with what you expected of us, how is it?"),
    _item("cx_ideal", "cx", "Compared with an ideal company, how are we?"),
    _item("satisfaction", "satisfaction", "How satisfied are you with us?", 1, 5),
    _item("effort", "effort", "It was easy to handle what I wanted with the company."),
    _item("continue_using", "loyalty", "I will go on being a customer."),
    _item("recommend", "loyalty", "How likely are you to recommend us?", 0, 10),
)  # fmt: skip

_UNIT = Column("customer_id", "Customer.", "unit")
_WAVE = Column("wave", "Wave, 1 or more; each lasts 91 days.", "wave", low=1)
_DAY = Column("day", "Day of the study, from 0; a wave has 91.", "about", low=0, unit="days")
_PRODUCT = Column("product_id", "Product that the customer mainly uses.", "about", low=1)

TABLES: dict[str, tuple[Column, ...]] = {
    "customers": (
        _UNIT,
        Column("brand_id", "Brand.", "about", low=1),
        _PRODUCT,
        Column("products_used", "Number of products of the brand that the customer uses.", "about", low=1),
        Column("redesign", "The new design is given to this customer, from the wave of the redesign on.", "about"),
    ),
    "products": (
        _PRODUCT,
        Column("brand_id", "Brand.", "about", low=1),
        Column("products_of_brand", "Number of products of the brand.", "about", low=1),
    ),
    "attempts": (
        Column("session_id", "Session, with one attempt at a task.", "about", low=1),
        _UNIT,
        _PRODUCT,
        _WAVE,
        _DAY,
        Column("success", "The attempt reached its goal.", "event", "UX"),
        Column("abandoned", "The attempt failed because the user gave up.", "event", "UX"),
        Column("time_s", "Time on task.", "event", "UX", low=0.1, unit="s"),
        Column("clicks", "Number of clicks.", "event", "UX", low=1),
        Column("errors", "Number of errors.", "event", "UX", low=0),
    ),
    "orders": (
        _UNIT,
        _WAVE,
        _DAY,
        Column("amount", "Amount of the order.", "event", low=0, unit="EUR"),
        Column("late_d", "Days that the order came late.", "event", "other facet", "delivery", low=0, unit="d"),
    ),
    "contacts": (
        _UNIT,
        _WAVE,
        _DAY,
        Column("cause", 'What led to the contact: "product" (a failed attempt) or "delivery" (a late order).', "about"),
        Column("wait_min", "Time until somebody answered.", "event", "service", "service", low=0.1, unit="min"),
        Column("courtesy", "Courtesy, as a listener rates it.", "event", "service", "service", 1, 5, "points"),
        Column("solved", "The problem was solved.", "event", "service", "service"),
        Column("made_good", "It was also made good, with an apology or a discount.", "event", "service", "service"),
    ),
    "surveys": (
        _UNIT,
        _WAVE,
        Column("responded", "The customer answered in this wave; if not, all answers are missing.", "about"),
        *(item.column for item in ITEMS),
    ),
    "churn": (
        _UNIT,
        Column("last_wave", "Last wave as a customer.", "about", low=1),
        Column("churned", "The customer left after the last wave; if not, the study ended.", "event", "loyalty"),
    ),
}  # fmt: skip

COLUMNS = tuple({column.name: column for columns in TABLES.values() for column in columns}.values())
