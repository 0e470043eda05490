"""Dispatch: officers suggested for cases, sent, their answers and arrivals, over HTTP."""
