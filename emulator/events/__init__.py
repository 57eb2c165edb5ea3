"""EventBridge and EventBridge Scheduler inside the emulator: events and schedules start their targets.

Owns the events that S3 sends, the rules that match them, schedules, and the delivery to a target as the target's role.
It refuses targets and schedules that it cannot serve (`cron()`, other services) when they are made, and logs the
deliveries that fail.
"""

from emulator.events.event_bridge import EventBridge, EventSettings, start_events

__all__ = ["EventBridge", "EventSettings", "start_events"]
