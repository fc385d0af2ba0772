"""Stand-in for a trainer's model: keeps what `fit` is given, so that the data can be looked at without training."""


class FitRecorder:
    """Model of which only `fit` works; `data` and `options` are its arguments."""

    def fit(self, data, **options):
        self.data = data
        self.options = options

    @property
    def validation_data(self):
        return self.options["validation_data"]

    @property
    def callbacks(self):
        return self.options["callbacks"]
