"""Pictures of tables and labelled arrays, a file a notebook: functions return a matplotlib Figure."""
