#!/usr/bin/env python3
"""Tests how tox.py computes its figures from what the clients print."""

import json
import os
import tempfile
import unittest

import tox


def samples_of(*sent):
    """Samples in which relays 0 and 1 have carried so many bytes from the sender."""
    return [{"carried": [{0: [first, 0, 0], 1: [second, 0, 0]}, {}]} for first, second in sent]


class Silence(unittest.TestCase):
    def test_the_longest_time_between_two_packets(self):
        self.assertEqual(tox.longest_silence([(0, 10), (20, 10), (90, 10), (110, 10)], 0, 130), 70)

    def test_a_silence_at_the_start_and_one_that_lasts_count(self):
        self.assertEqual(tox.longest_silence([(50, 10)], 0, 100), 60)
        self.assertEqual(tox.longest_silence([(0, 10), (20, 10)], 0, 500), 470)

    def test_no_packet_at_all_is_one_silence(self):
        self.assertEqual(tox.longest_silence([], 0, 500), 500)

    def test_packets_may_overtake_each_other(self):
        self.assertEqual(tox.longest_silence([(20, 10), (0, 40), (60, 10)], 0, 70), 30)


class Near(unittest.TestCase):
    def near_after(self, *sent):
        """The figure for two clients that have sent so many bytes over relay 0 and the far relay 1, second by second."""
        pairs = [[{0: [near, 0, 0], 1: [far, 0, 0]} for near, far in clients] for clients in sent]
        return tox.near_after([{"s": second, "carried": pair} for second, pair in enumerate(pairs)])

    def test_the_last_time_that_the_far_relay_carried_most_counts(self):
        much = tox.CALL_BYTES
        idle = (0, 0)
        self.assertEqual(self.near_after((idle, idle), ((much, 0), (much, 0)), ((2 * much, 0), (2 * much, 0))), 0)
        self.assertEqual(self.near_after((idle, idle), ((much, 0), (0, much)), ((2 * much, 0), (much, much))), 1)
        self.assertEqual(self.near_after((idle, idle), ((much, 0), (much, 0)), ((much, much), (2 * much, 0))), 2)

    def test_a_few_packets_over_the_far_relay_do_not(self):
        much = tox.CALL_BYTES
        self.assertEqual(self.near_after(((0, 0), (0, 0)), ((much, much - 1), (0, much - 1))), 0)


class Moves(unittest.TestCase):
    def test_another_busiest_relay_is_a_move(self):
        much = tox.MOVE_BYTES
        self.assertEqual(tox.count_moves(samples_of((0, 0), (much, 0), (much, much), (2 * much, much))), 2)

    def test_what_a_few_packets_take_is_none(self):
        much = tox.MOVE_BYTES
        self.assertEqual(tox.count_moves(samples_of((0, 0), (much, 0), (much, much - 1), (2 * much, much))), 0)
        self.assertEqual(tox.count_moves(samples_of((0, 0), (much, much // 2), (2 * much, much))), 0)

    def test_a_relay_that_is_connected_later_counts_from_nothing(self):
        samples = samples_of((0, 0), (tox.MOVE_BYTES, 0), (tox.MOVE_BYTES, tox.MOVE_BYTES))
        for sample in samples[:2]:
            del sample["carried"][0][1]
        self.assertEqual(tox.count_moves(samples), 1)


class Rows(unittest.TestCase):
    RUNS = [
        {"network": "5ms", "scene": "file", "side": side, "rate": rate, "pause_ms": pause, "online_s": 1}
        for side, figures in {"theirs": ((1e6, 9), (3e6, 2), (2e6, 4)), "ours": ((4e6, 1), (4e6, 2), (8e6, 9))}.items()
        for rate, pause in figures
    ]

    def row(self, figure):
        (row,) = [row for row in tox.rows_of(self.RUNS) if row["figure"] == figure]
        return row

    def test_the_worst_rate_is_the_lowest(self):
        row = self.row("rate")
        self.assertEqual(row["theirs"], {"median": 2, "worst": 1, "best": 3})
        self.assertEqual(tox.ratio(row), 2)

    def test_the_worst_pause_is_the_longest(self):
        row = self.row("pause_ms")
        self.assertEqual(row["ours"], {"median": 2, "worst": 9, "best": 1})
        self.assertEqual(tox.ratio(row), 0.5)

    def test_every_scene_tells_of_the_time_until_online(self):
        self.assertEqual(self.row("online_s")["scene"], "online")

    def test_failed_runs_do_not_count(self):
        failed = {"network": "5ms", "scene": "file", "side": "ours", "failed": "no"}
        self.assertEqual(tox.rows_of([*self.RUNS, failed]), tox.rows_of(self.RUNS))


class Cells(unittest.TestCase):
    def test_a_network_a_scene_or_both_are_chosen(self):
        self.assertEqual(tox.chosen_cells(["5ms/file"]), [("5ms", "file")])
        self.assertEqual([network for network, _ in tox.chosen_cells(["/call"])], list(tox.NETWORKS))
        self.assertEqual([scene for _, scene in tox.chosen_cells(["5ms"])], list(tox.SCENES[1:]))
        self.assertEqual(len(tox.chosen_cells(["5ms", "5ms/file"])), len(tox.SCENES) - 1)

    def test_nothing_is_far_on_one_machine(self):
        self.assertNotIn(("loopback", "far"), tox.chosen_cells(None))
        self.assertRaises(tox.Failed, tox.chosen_cells, ["loopback/far"])

    def test_what_there_is_not_is_refused(self):
        self.assertRaises(tox.Failed, tox.chosen_cells, ["6ms"])
        self.assertRaises(tox.Failed, tox.chosen_cells, ["5ms/film"])


class Files(unittest.TestCase):
    def written(self, folder, name, congestion, *pairs):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"congestion": congestion, "runs": [{"pair": pair} for pair in pairs]}, file)
        return path

    def test_runs_of_several_files_are_read_as_one(self):
        with tempfile.TemporaryDirectory() as folder:
            names = [self.written(folder, "a", "cubic", 1, 2), self.written(folder, "b", "cubic", 3)]
            self.assertEqual([run["pair"] for run in tox.read_runs(names)["runs"]], [1, 2, 3])

    def test_runs_with_different_congestion_controls_do_not_mix(self):
        with tempfile.TemporaryDirectory() as folder:
            names = [self.written(folder, "a", "cubic"), self.written(folder, "b", "bbr")]
            self.assertRaises(tox.Failed, tox.read_runs, names)


if __name__ == "__main__":
    unittest.main()
