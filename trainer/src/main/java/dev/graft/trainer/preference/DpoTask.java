package dev.graft.trainer.preference;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.PreferenceLoss;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.LabelledExample;
import dev.graft.trainer.run.Learner;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.RunListener;
import dev.graft.trainer.run.RunOptions;
import dev.graft.trainer.run.SessionSize;
import dev.graft.trainer.run.Task;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Learning from preferences: reads pairs (or labelled rows), checks them, gets the reference, and hands over to {@link PreferenceLearner}. */
public final class DpoTask implements Task {
  private final RunOptions options;
  private final DpoOptions dpo;
  private final PreferenceLoss loss;
  private PreferenceBatches train;
  private PreferenceBatches eval;

  /** @throws dev.graft.bindings.UsageException when the loss's settings do not fit its kind */
  public DpoTask(RunOptions options, DpoOptions dpo) {
    this.options = options;
    this.dpo = dpo;
    this.loss = PreferenceLoss.of(dpo.loss());
    if (!loss.traits().needsReference() && dpo.referenceAdapter() != null) {
      throw RunException.usage("--loss " + dpo.loss().kind() + " has no reference, so --reference-adapter has no use; leave it out");
    }
  }

  @Override
  public String command() {
    return "dpo";
  }

  @Override
  public Map<String, Object> flags() {
    Map<String, Object> flags = new LinkedHashMap<>();
    flags.put("loss", dpo.loss().kind());
    flags.put("beta", dpo.loss().beta());
    flags.put("label-smoothing", dpo.loss().labelSmoothing());
    flags.put("simpo-gamma", dpo.loss().gamma());
    flags.put("sft-weight", dpo.loss().sftWeight());
    flags.put("length-normalize", dpo.loss().lengthNormalize());
    flags.put("ld-alpha", dpo.loss().ldAlpha());
    flags.put("wpo", dpo.loss().wpo());
    flags.put("desirable-weight", dpo.loss().desirableWeight());
    flags.put("undesirable-weight", dpo.loss().undesirableWeight());
    flags.put("reference", dpo.online() ? "online" : "cache");
    flags.put("reference-cache", dpo.referenceCache() == null ? null : dpo.referenceCache().toString());
    flags.put("no-prefix-sharing", !dpo.prefixSharing());
    flags.put("max-bad-fraction", dpo.maxBadFraction());
    return flags;
  }

  @Override
  public Set<String> roundingFlags() {
    return Set.of("reference", "no-prefix-sharing");
  }

  @Override
  public Set<String> freeFlags() {
    return Set.of("reference-cache", "max-bad-fraction");
  }

  @Override
  public Map<String, Path> files() {
    return Collections.singletonMap("reference-adapter", dpo.referenceAdapter());
  }

  @Override
  public Data read(RowSource source, int maxLength, RunListener listener) {
    Dataset data = read("data", options.files().data(), source, maxLength, listener);
    train = batches(data, maxLength);
    if (options.files().evalData() != null) {
      eval = batches(read("eval-data", options.files().evalData(), source, maxLength, listener), maxLength);
    }
    return new Data(train, eval, data.report().toJson());
  }

  private Dataset read(String flag, Path file, RowSource source, int maxLength, RunListener listener) {
    Dataset data = source.read(file, loss.traits().unpaired() ? Dataset.Kind.UNPAIRED : Dataset.Kind.PREFERENCE, maxLength, false);
    int faulty = data.report().pairs().faulty();
    double share = (double) faulty / data.report().rows();
    if (share > dpo.maxBadFraction()) {
      throw RunException.badData(String.format(Locale.ROOT, "%s: %d of %d rows (%.1f%%) have no use as preferences: %s; mend them, or drop them with --max-bad-fraction %s",
          file, faulty, data.report().rows(), 100 * share, data.report().faults(), Math.ceil(share * 1000) / 1000), null);
    }
    data.report().warnings().forEach(line -> listener.note("--" + flag + ": " + line));
    return data;
  }

  private PreferenceBatches batches(Dataset data, int maxLength) {
    if (!loss.traits().unpaired()) {
      return PreferenceBatches.of(data.preferences().stream().map(PreferenceRow::of).toList(), dpo.prefixSharing());
    }
    List<PreferenceRow> rows = rows(data.labelled());
    return loss.traits().needsKl()
        ? PreferenceBatches.withMismatched(rows, rows(LabelledExample.mismatched(data.labelled(), maxLength)), dpo.prefixSharing())
        : PreferenceBatches.of(rows, dpo.prefixSharing());
  }

  private static List<PreferenceRow> rows(List<LabelledExample> labelled) {
    return labelled.stream().map(PreferenceRow::of).toList();
  }

  @Override
  public long learnerBytes(Model model, Adapter start, SessionOptions training) {
    boolean open = loss.traits().needsReference() && dpo.online();
    SessionOptions scoring = SessionOptions.scoring(training.maxTokens(), training.maxTargets());
    return open ? TrainingSession.memoryBytes(model, rank(start), "all-linear", scoring) : 0;
  }

  @Override
  public Learner learner(Setup setup) {
    PreferenceLearner learner = new PreferenceLearner(loss, train, eval, setup);
    if (loss.traits().needsReference()) {
      try {
        reference(setup, learner);
      } catch (RuntimeException e) {
        learner.close();
        throw e;
      }
    }
    return learner;
  }

  private static int rank(Adapter adapter) {
    return adapter == null ? 0 : adapter.info().rank();
  }

  private void reference(Setup setup, PreferenceLearner learner) {
    Model model = referenceModel(setup, learner);
    Adapter frozen = frozen(setup, model);
    if (frozen != null) {
      learner.closeLater(frozen);
    }
    Map<PreferenceBatches, Path> sets = new LinkedHashMap<>();
    Stream.of(train, train.mismatched()).filter(set -> set != null).forEach(set -> sets.put(set, options.files().data()));
    if (eval != null) {
      Stream.of(eval, eval.mismatched()).filter(set -> set != null).forEach(set -> sets.put(set, options.files().evalData()));
    }
    if (dpo.online()) {
      ReferenceScorer scorer = new ReferenceScorer(model, frozen, setup.maxTokens(), setup.maxTargets());
      learner.closeLater(scorer);
      sets.forEach((set, file) -> learner.reference(set, new OnlineReference(scorer, set, file, setup.maxTokens())));
      return;
    }
    ReferenceCache cache = new ReferenceCache(setup.folder().root(), dpo.referenceCache(), key(setup), setup.listener(), setup.stop());
    SessionOptions training = new SessionSize(setup.maxTokens(), setup.maxTargets()).training(options);
    for (Map.Entry<PreferenceBatches, Path> entry : sets.entrySet()) {
      PreferenceBatches set = entry.getKey();
      SessionOptions scoring = ReferenceSize.of(setup.model(), rank(setup.start()), set, training);
      float[][] table = cache.table(name(set), set, entry.getValue(), scoring.maxTokens(),
          () -> new ReferenceScorer(model, frozen, scoring.maxTokens(), scoring.maxTargets()));
      if (table == null) {
        return; // a stop was requested
      }
      learner.reference(set, Reference.of(table));
    }
  }

  private String name(PreferenceBatches set) {
    return set == train ? "train" : set == train.mismatched() ? "train-kl" : set == eval ? "eval" : "eval-kl";
  }

  /** Where all weights are trained, the file once more, which stays as it is. */
  private static Model referenceModel(Setup setup, PreferenceLearner learner) {
    if (setup.start() != null) {
      return setup.model();
    }
    Model frozen = Model.open(setup.runtime(), setup.model().path());
    learner.closeLater(frozen);
    return frozen;
  }

  private Adapter frozen(Setup setup, Model model) {
    if (dpo.referenceAdapter() != null) {
      return Adapter.open(model, dpo.referenceAdapter());
    }
    return options.files().initAdapter() == null ? null : setup.start().copy();
  }

  /** What the log-probabilities depend on, beside the rows. */
  private Map<String, String> key(Setup setup) {
    String adapter = dpo.referenceAdapter() != null ? "reference-adapter" : options.files().initAdapter() != null ? "init-adapter" : null;
    Map<String, String> key = new TreeMap<>();
    key.put("model", setup.hashes().get("model").get());
    key.put("reference adapter", adapter == null ? "none" : setup.hashes().get(adapter).get());
    key.put("version", GraftRuntime.nativeVersion());
    key.put("device", setup.runtime().info().device());
    key.put("isa", setup.runtime().info().isa());
    key.put("prefix sharing", String.valueOf(dpo.prefixSharing()));
    return key;
  }
}
