"""What Withings notifies us about, and how that looks after itself."""
