"""Answers to the exercises of lesson 13."""


def exercise_1(states):
    words = [0] * -(-len(states) // 64)
    for j, state in enumerate(states):
        words[j // 64] |= state << j % 64
    return words


def exercise_2(x, y, n):
    return n - 2 * (x ^ y).bit_count()


def exercise_3(a, b, c):
    t = a ^ b
    return t ^ c, (t & c) | (~t & a)


def exercise_4(words, count):
    one = two = total = 0
    for k in range(0, len(words), 4):
        one, c1 = exercise_3(one, words[k], words[k + 1])
        one, c2 = exercise_3(one, words[k + 2], words[k + 3])
        two, four = exercise_3(two, c1, c2)
        total += 4 * count(four)
    return total + 2 * count(two) + count(one)
