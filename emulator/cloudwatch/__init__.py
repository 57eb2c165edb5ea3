"""CloudWatch: metrics as AWS keeps and answers them, and log streams that are written in order.

Owns the way from a measurement or a log line of another room into moto's CloudWatch, and the repairs of its queries.
It refuses metric math, and it evaluates no alarm.
"""

from emulator.cloudwatch.metric_queries import repair

__all__ = ["repair"]
