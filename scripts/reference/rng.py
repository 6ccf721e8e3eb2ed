"""Figures of tests/base/test_rng.c: the first number of a few streams, from SplitMix64 (Steele, Lea, Flood 2014; Vigna's constants).

The key of a stream is the finaliser of SplitMix64 folded over seed, stream, a and b; number i is the i-th output of SplitMix64 seeded
with the key.
"""
MASK = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15


def finalise(z):
    z &= MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def splitmix64(seed, n):
    state, out = seed, []
    for _ in range(n):
        state = state + STEP & MASK
        out.append(finalise(state))
    return out


def key(seed, stream, a, b):
    k = finalise(seed + STEP)
    for number in (stream * STEP, a + 2 * STEP, b + 3 * STEP):
        k = finalise(k ^ finalise(number))
    return k


print(splitmix64(1234567, 5))
for arguments in ((1, 1, 0, 0), (42, 3, 3, 1000), (MASK, 9, MASK, 7)):
    print(arguments, splitmix64(key(*arguments), 1)[0])
