"""Several processes that train one model: how they meet, agree and divide the work."""
