package dev.graft.eval.cli;

import dev.graft.eval.synthetic.DataFolder;
import dev.graft.eval.synthetic.DataSet;
import dev.graft.eval.synthetic.DataSetException;
import dev.graft.eval.synthetic.DataSetWriter;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.synthetic.SyntheticTask;
import dev.graft.eval.synthetic.SyntheticTasks;
import dev.graft.eval.synthetic.corpus.CorpusMaker;
import dev.graft.eval.synthetic.corpus.CorpusMix;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft data make}. */
@Command(
    name = "make",
    customSynopsis = "graft data make TASK --output DIR [--n N] [--seed S] [--overwrite] [flags]",
    description = {
      "Makes a data set of synthetic clinical text. Each text is realised from a structured case, so labels are right by construction;"
          + " the same seed gives the same bytes on every machine.",
      ""
    },
    footerHeading = "%nTasks:%n",
    footer = {
      "  uti        notes of patients with white cells in the urine: UTI, or No UTI (800 rows: 300/200/100/200)",
      "  triage     portal messages: urgent or nonurgent, for a physician or a medical assistant (1800: 1300/200/100/200)",
      "  reasoning  vignettes, and the likely diagnosis or first treatment, with three wrong ones (5161: 4095/456/200/410)",
      "  summary    discharge notes to summarise, with the facts that a summary must keep (5250: 4500/300/150/300)",
      "  corpus     text to pretrain a small model on: notes, messages, a handbook, and questions about them; no task's rows",
      "  reading    the same with many more questions a note, to go on with: what is present, denied, past, and of which organs",
      "  drills     lists to be read back: a small model learns to copy from them",
      "  asking     as reading, and the same in other words: whether an organ has symptoms now, behind an introduction",
      "",
      "DIR then holds, for a task, sft/{train,eval,dev,test}.jsonl with {\"id\", \"prompt\", \"completion\", ...} and",
      "dpo/{train,eval,dev,test}.jsonl with {\"id\", \"prompt\", \"chosen\", \"rejected\", ...}; for the last four, train.jsonl and",
      "heldout.jsonl with {\"text\"} or {\"messages\"}; and manifest.json: seed, counts, balance of labels, SHA-256 of each",
      "file, and what the search for near duplicates found: a row nearly alike to one of another split is made anew.",
      "",
      "Examples:",
      "  graft data make uti --output data/uti                          the study's size",
      "  graft data make triage --n 400 --seed 7 --output data/triage   smaller, other rows",
      "  graft data make corpus --output data/corpus --json             counts on stdout"
    })
final class DataMakeCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(paramLabel = "TASK", description = "What to make: uti, triage, reasoning, summary, corpus, reading, drills or asking; see below.")
  String task;

  @Option(names = "--output", required = true, paramLabel = "DIR", description = "The folder to write. Required.")
  Path output;

  @Option(names = "--n", paramLabel = "N", description = "Rows in all; the splits keep the study's shares. Default: the study's count.")
  Integer n;

  @Option(names = "--overwrite", description = "Replaces a data set that is in DIR; other files there stay. Default: off.")
  boolean overwrite;

  @Override
  public Integer call() {
    if (n != null && n < 1) {
      throw CliException.usage("--n " + n + " must be at least 1");
    }
    long start = System.nanoTime();
    try {
      Map<String, Object> manifest = CorpusMix.named(task).isPresent() ? corpus(CorpusMix.named(task).get()) : rows(known());
      report(manifest, (System.nanoTime() - start) * 1e-9);
    } catch (DataSetException e) {
      throw e.usage() ? CliException.usage(e.getMessage()) : CliException.failed(e.getMessage(), e);
    } catch (IOException e) {
      throw CliException.failed("--output " + output + ": cannot be written: " + SafeFiles.reason(e), e);
    }
    return ExitCode.DONE;
  }

  private SyntheticTask known() {
    List<String> names = new ArrayList<>(SyntheticTasks.names());
    names.addAll(CorpusMix.names());
    return SyntheticTasks.named(task).orElseThrow(
        () -> CliException.usage("data make: unknown task '" + task + "'" + NearMatches.hint(task, names) + "; tasks: " + String.join(", ", names)));
  }

  private Map<String, Object> rows(SyntheticTask made) throws IOException {
    int rows = n == null ? Arrays.stream(made.studySplits()).sum() : n;
    Split.scaled(made.studySplits(), rows); // before anything is made or written
    DataFolder folder = DataFolder.open(output, overwrite);
    return DataSetWriter.write(DataSet.make(made, rows, common.seed()), folder);
  }

  private Map<String, Object> corpus(CorpusMix mix) throws IOException {
    int rows = n == null ? CorpusMaker.DEFAULT_ROWS : n;
    CorpusMaker.check(rows);
    DataFolder folder = DataFolder.open(output, overwrite);
    return CorpusMaker.write(mix, rows, common.seed(), folder);
  }

  private void report(Map<String, Object> manifest, double seconds) {
    if (common.json()) {
      common.printJson(manifest);
    } else {
      common.note(String.format(Locale.ROOT, "%s: %s rows of task %s, splits %s, seed %d, %.1f s", output, manifest.get("rows"), task, manifest.get("splits"), common.seed(), seconds));
    }
  }
}
