"""STAND-IN, not the OSU Micro-Benchmarks: sends nothing, and prints numbers of a formula.

    osu_standin.py PROGRAM -m MIN:MAX -i ITERATIONS -x WARM_UPS [-f] [-c [-u WARM_UPS]] \\
        [-d cuda [D D]]

It prints in the form of 7.5, from rank 0 only: a message takes 1 us and 0.1 ns a byte.
"""

import argparse
import os

TITLES = {'latency': 'Latency Test', 'bw': 'Bandwidth Test', 'allreduce': 'Allreduce Latency Test'}
HEADINGS = {
    'latency': ['Avg Latency(us)'],
    'bw': ['Bandwidth (MB/s)'],
    'allreduce': ['Avg Latency(us)', 'Min Latency(us)', 'Max Latency(us)', 'Iterations'],
}


def values(program, size, iterations):
    time = 1 + size * 1e-4
    if program == 'bw':
        return [f'{size / time:.2f}']
    if program == 'latency':
        return [f'{time:.2f}']
    return [f'{time:.2f}', f'{time * 0.9:.2f}', f'{time * 1.1:.2f}', str(iterations)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('program', choices=TITLES)
    parser.add_argument('-m', required=True)
    parser.add_argument('-i', type=int, required=True)
    parser.add_argument('-x', type=int, required=True)
    parser.add_argument('-u', type=int)
    parser.add_argument('-f', action='store_true')
    parser.add_argument('-c', action='store_true')
    parser.add_argument('-d', choices=['cuda', 'rocm'], default='')
    parser.add_argument('buffers', nargs='*', default=['H', 'H'])
    asked = parser.parse_intermixed_args()
    if os.environ['OMPI_COMM_WORLD_RANK'] != '0':
        return
    headings = HEADINGS[asked.program] + ['Validation'] * asked.c
    device = f'-{asked.d.upper()}' if asked.d else ''
    print(f'\n# OSU MPI{device} {TITLES[asked.program]} v7.5\n# Datatype: MPI_CHAR.')
    if asked.d and asked.program != 'allreduce':
        words = [{'D': 'DEVICE (D)', 'H': 'HOST (H)'}[letter] for letter in asked.buffers]
        print('# Send Buffer on {} and Receive Buffer on {}'.format(*words))
    print('# Size', *(f'{word:>22}' for word in headings))
    size, largest = map(int, asked.m.split(':'))
    while size <= largest:
        row = values(asked.program, size, asked.i) + ['Pass'] * asked.c
        print(f'{size:<6}', *(f'{word:>22}' for word in row))
        size *= 2


main()
