"""Attribution of stays to the sites beside them."""
