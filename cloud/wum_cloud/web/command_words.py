"""What the console calls each act, in an operator's words, and what it says of each beforehand."""

NAMES = {
    "read": "Read now", "set-clock": "Set the clock", "read-again": "Read the archive again",
    "disconnect": "Disconnect", "reconnect": "Reconnect", "limit": "Limit the load",
    "secondary": "Switch the secondary load", "fetch-log": "Fetch the log", "restart": "Restart",
    "session": "Session with a meter", "configure": "Configure", "join-groups": "Tell groups",
    "change-network-key": "Change network key",
    "update": "Update",
}
EXPLAINED = {
    "read": "Every register of the meter is read at once; the readings come the usual way.",
    "set-clock": "The meter's clock is set to the concentrator's.",
    "read-again": "What the concentrator has kept of a stretch of time is sent once more, "
                  "31 days at most.",
    "disconnect": "The consumer is without power until somebody reconnects.",
    "reconnect": "The consumer may have power again.",
    "limit": "The meter's limiter gets another threshold.",
    "secondary": "A boiler or a heat pump behind the load relay is switched on or off.",
    "fetch-log": "The last lines of the gateway's log.",
    "restart": "The gateway ends and is started again; nothing that was read is lost.",
    "session": "The meter's line is lent to a vendor's tool for some minutes. Every byte is on "
               "record, and none is judged.",
}
PARTS = {"asking": "Ask meters", "switching": "Switch consumers",
         "maintenance": "Maintain concentrators", "sessions": "Lend a meter's line"}
