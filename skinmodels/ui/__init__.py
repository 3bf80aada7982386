"""The page: functions that return gradio components, a shell around ``images``, ``inference`` and ``weights``."""
