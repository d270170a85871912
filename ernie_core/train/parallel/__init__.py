"""Several processes that train one model: how they join, agree and divide the work."""
