"""Stand-in for a trainer's model that records the arguments of `fit`, to check the data without training."""


class FitRecorder:
    """Model with only a `fit` method; `data` and `options` are its arguments."""

    def fit(self, data, **options):
        self.data = data
        self.options = options

    @property
    def validation_data(self):
        return self.options["validation_data"]

    @property
    def callbacks(self):
        return self.options["callbacks"]
