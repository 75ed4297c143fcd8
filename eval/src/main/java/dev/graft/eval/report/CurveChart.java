package dev.graft.eval.report;

import dev.graft.eval.report.StudyResults.Point;
import dev.graft.eval.report.StudyResults.Trial;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jfree.chart.annotations.XYLineAnnotation;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/**
 * Losses over steps of a few trainings: evaluation thick with marks, training thin, a ring and a drop line where the evaluation loss
 * stopped falling. Stateless.
 */
final class CurveChart {
  private static final int WIDTH = 380;
  private static final int HEIGHT = 290;
  /** A drawn line has at most so many points; what is more is averaged. */
  private static final int POINTS = 120;
  /** A drawn line has at most so many marks. */
  private static final int MARKS = 20;
  /** Losses beyond so many times the 90% quantile would squash all others. */
  private static final double CUT = 4;

  private CurveChart() {}

  /** Whether there is anything to draw. */
  static boolean drawable(List<Trial> trials) {
    return trials.stream().anyMatch(t -> losses(t).findAny().isPresent());
  }

  /** Above which loss nothing is drawn, or null when all is. */
  static Double cut(List<Trial> trials) {
    double[] all = trials.stream().flatMap(CurveChart::losses).mapToDouble(d -> d).sorted().toArray();
    if (all.length == 0) {
      return null;
    }
    double bound = CUT * all[(int) (0.9 * (all.length - 1))];
    return bound > 0 && all[all.length - 1] > bound ? (Double) bound : null;
  }

  private static Stream<Double> losses(Trial trial) {
    return Stream.concat(trial.training().stream(), trial.evaluation().stream()).map(Point::loss).filter(d -> d != null);
  }

  /** Draws them. @param names for the legend, as many as trials  @param rates of the task: a rate has one colour  @param title for readers who cannot see it */
  static String svg(String id, List<Trial> trials, List<String> names, List<Double> rates, String title) {
    NumberAxis x = new NumberAxis("optimizer step");
    x.setStandardTickUnits(NumberAxis.createIntegerTickUnits());
    x.setLowerMargin(0.01);
    x.setUpperMargin(0.03);
    NumberAxis y = new NumberAxis("loss");
    y.setAutoRangeIncludesZero(false);
    XYPlot plot = Axes.plot(x, y);
    XYSeriesCollection training = new XYSeriesCollection();
    XYSeriesCollection evaluation = new XYSeriesCollection();
    XYSeriesCollection plateaus = new XYSeriesCollection();
    XYLineAndShapeRenderer thin = new XYLineAndShapeRenderer(true, false);
    XYLineAndShapeRenderer thick = new XYLineAndShapeRenderer(true, true) {
      private static final long serialVersionUID = 1;

      @Override
      public boolean getItemShapeVisible(int series, int item) {
        return item % (evaluation.getItemCount(series) / MARKS + 1) == 0;
      }
    };
    XYLineAndShapeRenderer rings = new XYLineAndShapeRenderer(false, true);
    boolean evaluated = trials.stream().anyMatch(t -> !t.evaluation().isEmpty());
    Double cut = cut(trials);
    double least = trials.stream().flatMap(CurveChart::losses).mapToDouble(d -> d).min().orElse(0);
    List<String> said = new ArrayList<>();
    for (int i = 0; i < trials.size(); i++) {
      Trial trial = trials.get(i);
      int rate = rates.indexOf(trial.learningRate());
      Color color = SvgCanvas.series(rate + 1);
      training.addSeries(series(names.get(i), thinned(trial.training()), cut));
      evaluation.addSeries(series(names.get(i), thinned(trial.evaluation()), cut));
      plateaus.addSeries(plateau(names.get(i), trial, cut, plot, least, color));
      thin.setSeriesPaint(i, color);
      thin.setSeriesStroke(i, new BasicStroke(0.9f));
      thick.setSeriesPaint(i, color);
      thick.setSeriesStroke(i, new BasicStroke(2f));
      thick.setSeriesShape(i, shape(rate, 3));
      rings.setSeriesPaint(i, color);
      rings.setSeriesShape(i, new Ellipse2D.Double(-7, -7, 14, 14));
      rings.setSeriesShapesFilled(i, false);
      rings.setSeriesOutlineStroke(i, new BasicStroke(2f));
      thin.setSeriesVisibleInLegend(i, !evaluated);
      rings.setSeriesVisibleInLegend(i, false);
      said.add(describe(names.get(i), trial));
    }
    thin.setDrawSeriesLineAsPath(true);
    thick.setDrawSeriesLineAsPath(true);
    thick.setDrawOutlines(false);
    rings.setUseOutlinePaint(false);
    rings.setDefaultOutlineStroke(new BasicStroke(2f));
    plot.setDataset(0, training);
    plot.setRenderer(0, thin);
    plot.setDataset(1, evaluation);
    plot.setRenderer(1, thick);
    plot.setDataset(2, plateaus);
    plot.setRenderer(2, rings);
    return SvgCanvas.draw(Axes.chart(plot, true), id, WIDTH, HEIGHT, title, String.join("; ", said) + ".");
  }

  private static XYSeries series(String name, List<Point> points, Double cut) {
    XYSeries series = new XYSeries(name);
    points.forEach(p -> series.add((double) p.step(), p.loss() == null || cut != null && p.loss() > cut ? null : p.loss()));
    return series;
  }

  private static XYSeries plateau(String name, Trial trial, Double cut, XYPlot plot, double least, Color color) {
    XYSeries series = new XYSeries(name);
    if (trial.plateauStep() != null) {
      trial.evaluation().stream().filter(p -> p.step() == trial.plateauStep() && p.loss() != null && (cut == null || p.loss() <= cut)).findFirst().ifPresent(p -> {
        series.add((double) p.step(), p.loss());
        plot.addAnnotation(new XYLineAnnotation(p.step(), p.loss(), p.step(), least, new BasicStroke(1f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 10, new float[] {4, 3}, 0), color), false);
      });
    }
    return series;
  }

  /** At most {@link #POINTS} points: means of consecutive ones, at the last step of each. A loss that is not finite stays a gap. */
  static List<Point> thinned(List<Point> points) {
    if (points.size() <= POINTS) {
      return points;
    }
    List<Point> thinned = new ArrayList<>();
    for (int i = 0; i < POINTS; i++) {
      List<Point> bin = points.subList((int) ((long) i * points.size() / POINTS), (int) ((i + 1L) * points.size() / POINTS));
      boolean finite = bin.stream().allMatch(p -> p.loss() != null);
      thinned.add(new Point(bin.get(bin.size() - 1).step(), finite ? (Double) bin.stream().mapToDouble(Point::loss).average().orElseThrow() : null));
    }
    return thinned;
  }

  private static String describe(String name, Trial trial) {
    List<Point> points = trial.evaluation().isEmpty() ? trial.training() : trial.evaluation();
    String kind = trial.evaluation().isEmpty() ? "training loss " : "evaluation loss ";
    List<Point> known = points.stream().filter(p -> p.loss() != null).toList();
    if (known.isEmpty()) {
      return name + ": no losses";
    }
    Point first = known.get(0);
    Point last = known.get(known.size() - 1);
    return name + ": " + kind + Words.three(first.loss()) + " at step " + first.step() + ", " + Words.three(last.loss()) + " at step " + last.step()
        + (trial.plateauStep() == null ? "" : ", plateau at step " + trial.plateauStep());
  }

  private static Shape shape(int i, double r) {
    return switch (i % 4) {
      case 0 -> new Ellipse2D.Double(-r, -r, 2 * r, 2 * r);
      case 1 -> new Rectangle2D.Double(-r, -r, 2 * r, 2 * r);
      case 2 -> polygon(0, -1.3 * r, 1.2 * r, r, -1.2 * r, r);
      default -> polygon(0, -1.4 * r, 1.4 * r, 0, 0, 1.4 * r, -1.4 * r, 0);
    };
  }

  private static Shape polygon(double... xy) {
    Path2D path = new Path2D.Double();
    path.moveTo(xy[0], xy[1]);
    for (double[] p : Arrays.asList(Arrays.copyOfRange(xy, 2, 4), Arrays.copyOfRange(xy, 4, 6), Arrays.copyOfRange(xy, xy.length - 2, xy.length))) {
      path.lineTo(p[0], p[1]);
    }
    path.closePath();
    return path;
  }
}
