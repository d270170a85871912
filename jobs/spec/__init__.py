"""What people write, read and checked: a spec, a site file; and what is generated for those who write them."""
