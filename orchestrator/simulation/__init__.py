"""The same engine on a virtual clock: any history, in one process or several, and the demo's story."""
