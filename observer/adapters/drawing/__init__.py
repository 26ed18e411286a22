"""What is drawn beside and below games: the panel of an overlay, the curve of a time-lapse, the badges of a grid."""

from observer.adapters.drawing.curve import Curve, Mark, badge, labelled, short_steps
from observer.adapters.drawing.panel import WIDTH as PANEL_WIDTH
from observer.adapters.drawing.panel import Card, Panel, Scene

__all__ = ["PANEL_WIDTH", "Card", "Curve", "Mark", "Panel", "Scene", "badge", "labelled", "short_steps"]
