"""Radio between concentrators as discrete events: the air, its losses, and the law it is under."""
