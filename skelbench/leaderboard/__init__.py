"""Tables from records: pure (`table`), in several forms (`render`), and as files (`publish`)."""
