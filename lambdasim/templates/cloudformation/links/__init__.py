"""How functions are tied to what invokes them by resources beside them."""
