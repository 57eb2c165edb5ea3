"""EventBridge and EventBridge Scheduler inside the emulator: what happens really starts something.

Owns the events that S3 sends, the rules that they match, schedules, and the delivery to a target as the target's
role. It refuses targets and schedules that it would never serve (`cron()`, other services) when they are made, and
logs what could not be delivered.
"""

from emulator.events.event_bridge import EventSettings, EventsService, start_events

__all__ = ["EventSettings", "EventsService", "start_events"]
