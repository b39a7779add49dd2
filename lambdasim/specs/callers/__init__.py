"""Who invokes functions and waits: other functions, gateways, SDKs, state machines."""
