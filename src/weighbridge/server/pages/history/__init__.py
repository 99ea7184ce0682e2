"""What was measured over time: charts, their content, and the diary for a doctor."""
