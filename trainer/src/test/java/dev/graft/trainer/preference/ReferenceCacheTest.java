package dev.graft.trainer.preference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.RandomModel;
import dev.graft.trainer.run.RunListener;
import dev.graft.trainer.run.StopRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The reference's log-probabilities on disk: begun, gone on with, damaged, stale. */
class ReferenceCacheTest {
  private static final Map<String, String> KEY = Map.of("model", "abc", "isa", "avx2");

  @TempDir Path folder;

  private GraftRuntime runtime;
  private Model model;
  private final List<String> notes = new ArrayList<>();
  private final StopRequest stop = new StopRequest();
  private int opened;

  @BeforeEach
  void open() {
    RandomModel.tiny().write(folder.resolve("model.gguf"));
    runtime = GraftRuntime.open("cpu", null, 1);
    model = Model.open(runtime, folder.resolve("model.gguf"));
  }

  @AfterEach
  void close() {
    model.close();
    runtime.close();
  }

  private static PreferenceBatches rows(int count, boolean sharing) {
    SplittableRandom random = new SplittableRandom(7);
    List<PreferenceRow> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[][] answers = {random.ints(1 + i % 4, 0, 300).toArray(), random.ints(3, 0, 300).toArray()};
      rows.add(new PreferenceRow(i + 1, random.ints(1 + i % 3, 0, 300).toArray(), answers, true));
    }
    return PreferenceBatches.of(rows, sharing);
  }

  private float[][] table(PreferenceBatches rows, Map<String, String> key, LongConsumer progress) {
    RunListener listener = new RunListener() {
      @Override
      public void note(String line) {
        notes.add(line);
      }

      @Override
      public void preparing(String what, long done, long total) {
        progress.accept(done);
      }
    };
    return new ReferenceCache(folder, null, key, listener, stop).table("train", rows, Path.of("d.jsonl"), 20, () -> {
      opened++;
      return new ReferenceScorer(model, null, 20, 40);
    });
  }

  @Test
  void whatWasBegunIsGoneOnWith() throws IOException {
    PreferenceBatches rows = rows(12, true);
    float[][] whole = table(rows, KEY, done -> {});
    byte[] file = Files.readAllBytes(folder.resolve("reference-train.bin"));
    Files.delete(folder.resolve("reference-train.bin"));
    List<Long> first = new ArrayList<>();
    assertThat(new ReferenceCache(folder, null, KEY, RunListener.SILENT, stop).table("train", rows, Path.of("d.jsonl"), 20, () -> new ReferenceScorer(model, null, 20, 40)))
        .isDeepEqualTo(whole); // the same bits again
    Files.delete(folder.resolve("reference-train.bin"));
    StopRequest soon = new StopRequest();
    RunListener stopping = new RunListener() {
      @Override
      public void preparing(String what, long done, long total) {
        first.add(done);
        if (first.size() == 2) {
          soon.request();
        }
      }
    };
    assertThat(new ReferenceCache(folder, null, KEY, stopping, soon).table("train", rows, Path.of("d.jsonl"), 20, () -> new ReferenceScorer(model, null, 20, 40))).isNull();
    assertThat(first).hasSize(2);
    List<Long> rest = new ArrayList<>();
    assertThat(table(rows, KEY, rest::add)).isDeepEqualTo(whole);
    assertThat(notes).anyMatch(note -> note.contains("there for " + first.get(1) + " of 12 rows; going on"));
    assertThat(rest.get(0)).isGreaterThan(first.get(1));
    assertThat(folder.resolve("reference-train.bin")).hasBinaryContent(file);
    int before = opened;
    assertThat(table(rows, KEY, rest::add)).isDeepEqualTo(whole);
    assertThat(opened).as("nothing is opened for a whole one").isEqualTo(before);
  }

  @Test
  void everyDamagedByteIsNoticed() throws IOException {
    PreferenceBatches rows = rows(2, true);
    table(rows, KEY, done -> {});
    Path file = folder.resolve("reference-train.bin");
    byte[] good = Files.readAllBytes(file);
    int[] counts = {rows.targets(0), rows.targets(1)};
    Map<String, String> key = Map.of("model", "abc", "isa", "avx2", "rows", rows.sha256());
    assertThat(ReferenceFile.read(file, key, counts).problem()).isNull();
    for (int i = 0; i < good.length; i++) {
      byte[] bad = good.clone();
      bad[i] ^= 0x10;
      Files.write(file, bad);
      assertThat(ReferenceFile.read(file, key, counts).problem()).as("byte %d", i).isNotNull();
      Files.write(file, Arrays.copyOf(good, i));
      assertThat(ReferenceFile.read(file, key, counts).problem()).as("cut at %d", i).isNotNull();
    }
    Files.write(file, Arrays.copyOf(good, good.length + 1));
    assertThat(ReferenceFile.read(file, key, counts).problem()).contains("checksum");
  }

  @Test
  void anotherKeyOrOtherRowsAreStale() {
    table(rows(3, true), KEY, done -> {});
    table(rows(3, true), Map.of("model", "other", "isa", "avx2"), done -> {});
    table(rows(4, true), Map.of("model", "other", "isa", "avx2"), done -> {});
    assertThat(notes).anyMatch(note -> note.contains("stale (another model)")).anyMatch(note -> note.contains("stale (other rows)"));
  }

  /** Sharing the prompt is exact but for rounding. */
  @Test
  void sharedAndApartAgree() {
    float[][] shared = table(rows(12, true), KEY, done -> {});
    float[][] apart = table(rows(12, false), Map.of("model", "abc", "isa", "other"), done -> {});
    for (int row = 0; row < shared.length; row++) {
      assertThat(apart[row]).containsExactly(shared[row], offset(2e-5f));
    }
  }
}
