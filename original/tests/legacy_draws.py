"""NumPy's legacy generator and sklearn's splits in plain Python, to show how many draws of which kind they make."""

import numpy as np


class LegacyGenerator:
    """MT19937 with the legacy methods built on it.

    ``u32``, ``dbl``, ``bounded`` and ``below`` are the primitives; the others are named after those of ``np.random``.
    """

    def __init__(self, seed):
        self.state = [seed]
        for i in range(1, 624):
            self.state.append((1812433253 * (self.state[-1] ^ self.state[-1] >> 30) + i) % 2**32)
        self.position = 624

    def u32(self):
        """Draw 32 bits."""
        if self.position == 624:
            self._twist()
        y = self.state[self.position]
        self.position += 1
        y ^= y >> 11
        y ^= y << 7 & 0x9D2C5680
        y ^= y << 15 & 0xEFC60000
        return y ^ y >> 18

    def dbl(self):
        """Draw a number from 0 up to 1 with 53 bits."""
        high = self.u32() >> 5
        low = self.u32() >> 6
        return (high * 2**26 + low) / 2**53

    def bounded(self, largest):
        """Draw from 0 to ``largest``, inclusive; 0 draws nothing."""
        if largest == 0:
            return 0
        mask = 2 ** largest.bit_length() - 1
        while (value := self.u32() & mask) > largest:
            pass
        return value

    def below(self, n):
        return self.bounded(n - 1)

    def randint(self, n):
        return self.below(n)

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.bounded(i)
            items[i], items[j] = items[j], items[i]

    def permutation(self, n):
        items = list(range(n))
        self.shuffle(items)
        return items

    def choice(self, items, size=None, replace=True, p=None):
        if not replace:
            return [items[i] for i in self.permutation(len(items))[:size]]
        if p is None:
            return [items[self.below(len(items))] for _ in range(size)]
        cdf = np.cumsum(p)
        cdf /= cdf[-1]
        return [items[int(np.sum(cdf <= self.dbl()))] for _ in range(size)]

    def _twist(self):
        state = self.state
        for i in range(624):
            y = state[i] & 0x80000000 | state[(i + 1) % 624] & 0x7FFFFFFF
            state[i] = state[(i + 397) % 624] ^ y >> 1 ^ (0x9908B0DF if y & 1 else 0)
        self.position = 0


def split(generator, n, num_train, num_test):
    """Return the train and test indices of sklearn's ``train_test_split`` without stratification."""
    permutation = generator.permutation(n)
    return permutation[num_test : num_test + num_train], permutation[:num_test]


def stratified_split(generator, y, num_train, num_test):
    """Return the train and test indices of sklearn's ``train_test_split(stratify=y)``."""
    keys = [" ".join(map(str, row)) for row in y.tolist()] if y.ndim == 2 else y.tolist()
    members = {key: [i for i, other in enumerate(keys) if other == key] for key in sorted(set(keys))}
    counts = [len(indices) for indices in members.values()]
    train_shares = _share(generator, counts, num_train)
    left = [count - share for count, share in zip(counts, train_shares)]
    test_shares = _share(generator, left, num_test)
    train, test = [], []
    for indices, train_share, test_share in zip(members.values(), train_shares, test_shares):
        order = [indices[i] for i in generator.permutation(len(indices))]
        train += order[:train_share]
        test += order[train_share : train_share + test_share]
    return [train[i] for i in generator.permutation(num_train)], [test[i] for i in generator.permutation(num_test)]


def _share(generator, counts, num_draws):
    """Distribute draws over classes in proportion to counts; remainders by descending fraction, ties at random."""
    exact = np.array(counts) / sum(counts) * num_draws
    shares = np.floor(exact)
    missing = int(num_draws - shares.sum())
    fractions = exact - shares
    for fraction in sorted(set(fractions), reverse=True):
        if missing == 0:
            break
        tied = np.flatnonzero(fractions == fraction).tolist()
        taken = min(len(tied), missing)
        for index in generator.choice(tied, taken, replace=False):
            shares[index] += 1
        missing -= taken
    return shares.astype(int).tolist()
