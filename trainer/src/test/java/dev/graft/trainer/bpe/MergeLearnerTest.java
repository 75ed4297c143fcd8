package dev.graft.trainer.bpe;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Against the plainest learner: all pairs counted anew before each merge. */
class MergeLearnerTest {

  /** Merges as Sennrich et al. learn them, ties by the ids. */
  private static List<int[]> plain(List<byte[]> words, long[] weights, long minFrequency, int most) {
    List<List<Integer>> split = new ArrayList<>();
    for (byte[] word : words) {
      List<Integer> symbols = new ArrayList<>();
      for (byte b : word) {
        symbols.add(b & 0xFF);
      }
      split.add(symbols);
    }
    List<int[]> merges = new ArrayList<>();
    while (merges.size() < most) {
      Map<Long, Long> counts = new HashMap<>();
      for (int w = 0; w < split.size(); w++) {
        for (int i = 0; i + 1 < split.get(w).size(); i++) {
          counts.merge(PairTable.key(split.get(w).get(i), split.get(w).get(i + 1)), weights[w], Long::sum);
        }
      }
      long best = -1;
      for (Map.Entry<Long, Long> entry : counts.entrySet()) {
        long other = best < 0 ? 0 : counts.get(best);
        if (entry.getValue() >= minFrequency && (entry.getValue() > other || entry.getValue() == other && entry.getKey() < best)) {
          best = entry.getKey();
        }
      }
      if (best < 0) {
        break;
      }
      int symbol = 256 + merges.size();
      merges.add(new int[] {(int) (best >>> 32), (int) best});
      for (List<Integer> symbols : split) {
        for (int i = 0; i + 1 < symbols.size(); i++) {
          if (PairTable.key(symbols.get(i), symbols.get(i + 1)) == best) {
            symbols.set(i, symbol);
            symbols.remove(i + 1);
          }
        }
      }
    }
    return merges;
  }

  @Test
  void learnsWhatThePlainestLearnerLearns() {
    for (int seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      int letters = 1 + random.nextInt(4);
      List<byte[]> words = new ArrayList<>();
      Set<String> seen = new java.util.HashSet<>();
      for (int w = 0; w < 40; w++) {
        StringBuilder word = new StringBuilder();
        for (int i = random.nextInt(30); i >= 0; i--) {
          word.append((char) ('a' + random.nextInt(letters)));
        }
        if (seen.add(word.toString())) {
          words.add(word.toString().getBytes(StandardCharsets.US_ASCII));
        }
      }
      long[] weights = words.stream().mapToLong(word -> 1 + random.nextInt(5)).toArray();
      MergeLearner learner = new MergeLearner(words, weights, 2, Set.of());
      learner.learn(80);
      assertThat(learner.merges().toArray(int[][]::new)).as("seed %d", seed).isDeepEqualTo(plain(words, weights, 2, 80).toArray(int[][]::new));
      assertThat(learner.texts().stream().map(ByteAlphabet::text)).doesNotHaveDuplicates();
    }
  }

  @Test
  void aMergeThatWouldSpellASpecialTokenIsPassedOver() {
    List<byte[]> words = List.of("abc".getBytes(StandardCharsets.US_ASCII));
    MergeLearner learner = new MergeLearner(words, new long[] {9}, 1, Set.of("ab"));
    assertThat(learner.learn(5)).isEqualTo(2);
    assertThat(learner.texts().subList(256, 258)).extracting(ByteAlphabet::text).containsExactly("bc", "abc");
  }

  @Test
  void oneWordOfAMillionLettersIsNoTrouble() {
    byte[] word = new byte[1 << 20];
    Random random = new Random(1);
    for (int i = 0; i < word.length; i++) {
      word[i] = (byte) "ACGT".charAt(random.nextInt(4));
    }
    MergeLearner learner = new MergeLearner(List.of(word), new long[] {1}, 2, Set.of());
    assertThat(learner.learn(500)).isEqualTo(500);
    assertThat(learner.lengths()[0]).isLessThan(word.length / 3);
  }
}
