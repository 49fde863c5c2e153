"""Gap requests: what is missing is asked for, and the reasons that come back are kept."""
