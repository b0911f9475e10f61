"""What operators see: request ids, one log line a request, metrics, and how CC-iSales has been doing."""
