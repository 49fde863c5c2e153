"""Orders to groups of a mesh: given, sent to a gateway that floods them, and who has them."""
