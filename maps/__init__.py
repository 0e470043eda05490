"""Pictures: styles, reports, the browser console."""
