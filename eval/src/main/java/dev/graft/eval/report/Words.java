package dev.graft.eval.report;

import dev.graft.eval.report.StudyResults.Answer;
import dev.graft.eval.report.StudyResults.Data;
import dev.graft.eval.report.StudyResults.LabelMatrix;
import dev.graft.eval.report.StudyResults.Point;
import dev.graft.eval.report.StudyResults.SystemResult;
import dev.graft.eval.statistics.Confusion;
import dev.graft.eval.statistics.Interval;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** How numbers are written in a report; "–" is what is not known or not defined. Stateless. */
public final class Words {
  /** What stands for a missing number. */
  public static final String NONE = "–";

  private Words() {}

  /** A metric for people: F1, accuracy, mean grade. */
  public static String metric(String name) {
    return name == null ? NONE : name.replace("f1", "F1").replace('_', ' ');
  }

  /** A value of this metric: accuracy, sensitivity and specificity in percent, others with two decimals, as in the study. */
  public static String value(String metric, Double value) {
    if (value == null) {
      return NONE;
    }
    return percent(metric) ? format("%.1f%%", 100 * value) : format("%.2f", value);
  }

  /** An interval of this metric. */
  public static String interval(String metric, Interval ci) {
    if (ci == null) {
      return NONE;
    }
    return percent(metric) ? format("%.1f to %.1f%%", 100 * ci.low(), 100 * ci.high()) : format("%.2f to %.2f", ci.low(), ci.high());
  }

  /** Whether a metric is written in percent. */
  static boolean percent(String metric) {
    return "accuracy".equals(metric) || "sensitivity".equals(metric) || "specificity".equals(metric);
  }

  /** A P value: .034, or less than .001. */
  public static String p(Double p) {
    if (p == null) {
      return NONE;
    } else if (p < 0.001) {
      return "< .001";
    } else if (p > 0.99) {
      return "> .99";
    }
    return format(p < 0.1 ? "%.3f" : "%.2f", p).substring(1);
  }

  /** The same with its letter: "P = .034". */
  public static String pSaid(Double p) {
    return p == null ? "P not defined" : "P " + (p < 0.001 || p > 0.99 ? p(p) : "= " + p(p));
  }

  /** A learning rate: 1e-5, 2.5e-4. */
  public static String rate(double rate) {
    if (rate == 0 || !Double.isFinite(rate)) {
      return String.valueOf(rate);
    }
    int exponent = (int) Math.floor(Math.log10(rate) + 1e-9);
    return plain(Math.round(rate / Math.pow(10, exponent) * 1000) / 1000.0) + "e" + exponent;
  }

  /** A decimal without trailing zeros. */
  public static String plain(Double value) {
    return value == null ? NONE : format("%.4f", value).replaceAll("\\.?0+$", "");
  }

  /** A loss or statistic with three decimals. */
  public static String three(Double value) {
    return value == null ? NONE : format("%.3f", value);
  }

  /** A ratio: 2.5 ×. */
  public static String times(Double ratio) {
    return ratio == null ? NONE : format("%.2f ×", ratio);
  }

  /** A count: 1,234,567. */
  public static String count(Long count) {
    return count == null ? NONE : format("%,d", count);
  }

  /** A duration. */
  public static String seconds(Double seconds) {
    if (seconds == null) {
      return NONE;
    } else if (seconds < 60) {
      return format("%.1f s", seconds);
    } else if (seconds < 3600) {
      return format("%.1f min", seconds / 60);
    }
    return format("%.1f h", seconds / 3600);
  }

  /** Milliseconds or seconds a step. */
  public static String perStep(Double seconds) {
    return seconds == null ? NONE : seconds < 1 ? format("%.0f ms", seconds * 1000) : format("%.2f s", seconds);
  }

  /** Bytes in binary units. */
  public static String bytes(Long bytes) {
    if (bytes == null) {
      return NONE;
    }
    return bytes < 1L << 30 ? format("%.1f MiB", bytes / (double) (1 << 20)) : format("%.2f GiB", bytes / (double) (1 << 30));
  }

  /** Operations: 3.2 TFLOP. */
  public static String flops(Double flops) {
    if (flops == null) {
      return NONE;
    }
    String[] units = {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP", "ZFLOP"};
    int unit = 0;
    double value = flops;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return format("%.1f ", value) + units[unit];
  }

  /** The text, or NONE without any. */
  public static String text(Object value) {
    return value == null || value.toString().isBlank() ? NONE : value.toString();
  }

  /** At most so many characters of a text. */
  public static String excerpt(String text, int length) {
    if (text == null || text.isBlank()) {
      return NONE;
    }
    return text.codePointCount(0, text.length()) <= length ? text : text.substring(0, text.offsetByCodePoints(0, length)).stripTrailing() + " …";
  }

  /** "train 480, dev 120, test 120". */
  public static String rows(Data data) {
    return String.join(", ", data.splits().entrySet().stream().map(split -> split.getKey() + " " + count(split.getValue().rows())).toList());
  }

  /** The verdict of an answer, or its score. */
  public static String verdict(Answer answer) {
    return answer.verdict() != null ? answer.verdict() : answer.score() == null ? "not graded" : "score " + plain(answer.score());
  }

  /** "2.438, 1.085 (step 150), 1.988"; NONE without evaluations. */
  public static String losses(List<Point> evaluation) {
    List<Point> known = evaluation.stream().filter(p -> p.loss() != null).toList();
    if (known.isEmpty()) {
      return NONE;
    }
    Point least = known.stream().min(Comparator.comparingDouble(Point::loss)).orElseThrow();
    return three(known.get(0).loss()) + ", " + three(least.loss()) + " (step " + least.step() + "), " + three(known.get(known.size() - 1).loss());
  }

  /** All labels where there are counts of them; else those of the positive label against the rest. */
  public static LabelMatrix matrix(SystemResult system, String positive) {
    if (system.labels() != null) {
      return system.labels();
    }
    String yes = positive == null ? "positive" : positive;
    String no = positive == null ? "negative" : "not " + positive;
    Confusion c = system.confusion();
    return new LabelMatrix(List.of(yes, no), List.of(yes, no), List.of(List.of(c.tp(), c.fn()), List.of(c.fp(), c.tn())));
  }

  /** A count's share of its row, 0 to 1, for its shade. */
  public static String share(LabelMatrix matrix, int gold, int answer) {
    long row = matrix.counts().get(gold).stream().mapToLong(Long::longValue).sum();
    return row <= 0 ? "0" : format("%.3f", matrix.counts().get(gold).get(answer) / (double) row);
  }

  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
