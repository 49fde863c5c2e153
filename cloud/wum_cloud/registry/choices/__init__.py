"""What a person may choose from where a form names something of the registry."""
