package dev.graft.eval.synthetic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Splits, determinism and the search for near duplicates, on every task of the list. */
class DataSetTest {
  static List<SyntheticTask> tasks() {
    return SyntheticTasks.all();
  }

  @ParameterizedTest
  @MethodSource("tasks")
  void theSameSeedGivesTheSameRowsAndAnotherSeedOthers(SyntheticTask task) {
    DataSet first = DataSet.make(task, 80, 5);
    assertThat(DataSet.make(task, 80, 5)).isEqualTo(first);
    assertThat(DataSet.make(task, 80, 6).rows().get(Split.TRAIN)).isNotEqualTo(first.rows().get(Split.TRAIN));
  }

  @ParameterizedTest
  @MethodSource("tasks")
  void noTwoSplitsShareNearlyAlikeRows(SyntheticTask task) {
    DataSet data = DataSet.make(task, 240, 1);
    List<SyntheticRow> rows = new ArrayList<>();
    List<Split> splits = new ArrayList<>();
    data.rows().forEach((split, part) -> part.forEach(row -> {
      rows.add(row);
      splits.add(split);
    }));
    double highest = 0;
    for (int i = 0; i < rows.size(); i++) { // every pair, without the index
      for (int j = 0; j < i; j++) {
        assertThat(rows.get(i).fingerprint()).isNotEqualTo(rows.get(j).fingerprint());
        if (splits.get(i) != splits.get(j)) {
          highest = Math.max(highest, jaccard(rows.get(i).fingerprint(), rows.get(j).fingerprint()));
        }
      }
    }
    assertThat(highest).isEqualTo(data.leakage().highestLeft()).isLessThanOrEqualTo(DataSet.NEARLY_ALIKE);
  }

  @ParameterizedTest
  @MethodSource("tasks")
  void everyRowHasARightAnswerAndAnotherWrongOne(SyntheticTask task) {
    for (SyntheticRow row : DataSet.make(task, 80, 2).rows().get(Split.TRAIN)) {
      assertThat(row.prompt()).contains(row.fingerprint());
      assertThat(row.rejected()).isNotEmpty().doesNotContain(row.completion()).doesNotHaveDuplicates();
    }
  }

  @Test
  void aPlantedLeakIsMadeAnewAndCounted() {
    SyntheticTask leaky = task((index, random) -> index == 12 && random.nextInt(4) > 0 ? text(0) + " one more" : text(index));
    DataSet data = DataSet.make(leaky, 16, 0); // splits 6, 4, 2, 4: row 12 belongs to the test split, row 0 to the training split
    assertThat(data.leakage().remadeAsNear()).isPositive();
    assertThat(data.leakage().remadeAsExact()).isZero();
    assertThat(data.rows().get(Split.TEST)).extracting(SyntheticRow::fingerprint).contains(text(12)).noneMatch(f -> f.startsWith(text(0)));
  }

  @Test
  void theSameTextTwiceWithinASplitIsMadeAnew() {
    SyntheticTask repeating = task((index, random) -> index == 3 && random.nextInt(4) > 0 ? text(2).toUpperCase(java.util.Locale.ROOT) : text(index));
    DataSet data = DataSet.make(repeating, 16, 0);
    assertThat(data.leakage().remadeAsExact()).isPositive();
    assertThat(data.rows().get(Split.TRAIN)).extracting(SyntheticRow::fingerprint).containsExactly(text(0), text(1), text(2), text(3), text(4), text(5));
  }

  @Test
  void aTaskWithoutVarietyFailsInsteadOfLooping() {
    assertThatThrownBy(() -> DataSet.make(task((index, random) -> text(random.nextInt(5))), 40, 0))
        .isInstanceOf(DataSetException.class).hasMessageContaining("task fake has not enough different rows for --n 40");
  }

  @Test
  void splitsKeepTheStudysShares() {
    int[] study = {300, 200, 100, 200};
    assertThat(Split.scaled(study, 800)).containsExactly(study);
    assertThat(Split.scaled(study, 80)).containsExactly(30, 20, 10, 20);
    for (int n = 5; n < 300; n++) {
      assertThat(Split.scaled(study, n)).satisfies(counts -> assertThat(counts).doesNotContain(0));
      assertThat(java.util.Arrays.stream(Split.scaled(study, n)).sum()).isEqualTo(n);
    }
    assertThatThrownBy(() -> Split.scaled(study, 3)).hasMessage("--n 3 is too small: train, eval, dev and test need a row each; give at least 5");
  }

  @Test
  void streamsOfDifferentNamesDiffer() {
    assertThat(List.of(first("uti", 1, 2, 0), first("corpus", 1, 2, 0), first("uti", 2, 1, 0), first("uti", 1, 2, 1), first("uti", 1, 3, 0))).doesNotHaveDuplicates();
    assertThat(Dice.stream("uti", 42, 0, 0).nextLong()).isEqualTo(Dice.stream("uti", 42, 0, 0).nextLong());
  }

  @Test
  void drawsAreTheSameOnEveryJava() {
    Dice dice = new Dice(new SplittableRandom(1));
    List<Integer> drawn = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      drawn.add(dice.below(1000));
    }
    assertThat(drawn).isEqualTo(splitMix64(1, 8, 1000));
    assertThat(new Dice(new SplittableRandom(3)).shuffled(List.of(1, 2, 3, 4, 5))).containsExactlyInAnyOrder(1, 2, 3, 4, 5);
  }

  /** The published algorithm, written down again. */
  private static List<Integer> splitMix64(long seed, int count, int bound) {
    List<Integer> values = new ArrayList<>();
    long state = seed;
    for (int i = 0; i < count; i++) {
      state += 0x9E3779B97F4A7C15L;
      values.add((int) (((Dice.mix(state) >>> 32) * bound) >>> 32));
    }
    return values;
  }

  private static long first(String name, long seed, int row, int attempt) {
    return Dice.stream(name, seed, row, attempt).nextLong();
  }

  private static double jaccard(String a, String b) {
    java.util.Set<Long> x = new java.util.HashSet<>(java.util.Arrays.stream(ShingleIndex.shingles(a)).boxed().toList());
    int all = x.size();
    int shared = 0;
    for (long shingle : ShingleIndex.shingles(b)) {
      if (x.contains(shingle)) {
        shared++;
      } else {
        all++;
      }
    }
    return (double) shared / all;
  }

  private static String text(int index) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 30; i++) {
      text.append(i == 0 ? "" : " ").append("word").append(index * 100 + i);
    }
    return text.toString();
  }

  private interface Maker {
    String text(int index, SplittableRandom random);
  }

  private static SyntheticTask task(Maker maker) {
    return new SyntheticTask() {
      @Override
      public String name() {
        return "fake";
      }

      @Override
      public int[] studySplits() {
        return new int[] {300, 200, 100, 200};
      }

      @Override
      public SyntheticRow make(int index, SplittableRandom random) {
        return new SyntheticRow("?", "yes", List.of("no"), Map.of(), maker.text(index, random));
      }
    };
  }
}
