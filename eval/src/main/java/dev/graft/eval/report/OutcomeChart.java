package dev.graft.eval.report;

import dev.graft.eval.report.StudyResults.Metric;
import dev.graft.eval.report.StudyResults.Outcome;
import dev.graft.eval.report.StudyResults.Pair;
import dev.graft.eval.statistics.Interval;
import java.awt.BasicStroke;
import java.awt.Font;
import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jfree.chart.annotations.XYLineAnnotation;
import org.jfree.chart.annotations.XYTextAnnotation;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.NumberTickUnit;
import org.jfree.chart.axis.SymbolAxis;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.StandardXYBarPainter;
import org.jfree.chart.renderer.xy.XYBarRenderer;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.chart.ui.TextAnchor;
import org.jfree.data.xy.XYBarDataset;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/**
 * An outcome as the study's Figure 2 has it: a bar for each system with its interval as whiskers, a bracket with the P value over each pair,
 * and the study's own values as hollow marks. Stateless.
 */
final class OutcomeChart {
  private static final int WIDTH = 380;
  private static final double BAR = 0.5;

  private OutcomeChart() {}

  /** Draws it. @param systems of the study, in order; those without a result leave a gap  @param published what the study reported, or null */
  static String svg(String id, Outcome outcome, List<String> systems, PublishedStudy.Reported published) {
    double low = outcome.scaleMin();
    double span = Math.max(1e-9, outcome.scaleMax() - low);
    List<Bracket> brackets = brackets(outcome.comparisons(), systems);
    int levels = brackets.stream().mapToInt(b -> b.level + 1).max().orElse(0);
    SymbolAxis x = new SymbolAxis(null, systems.toArray(new String[0]));
    x.setRange(-0.6, systems.size() - 0.4);
    x.setGridBandsVisible(false);
    NumberAxis y = Axes.upTo(Words.metric(outcome.metric()) + (outcome.positive() == null || !"f1".equals(outcome.metric()) ? "" : " of " + outcome.positive()), outcome.scaleMax());
    y.setRange(low, low + span * (1.13 + 0.13 * levels));
    y.setTickUnit(new NumberTickUnit(span / (span == 4 ? 4 : 5)) {
      private static final long serialVersionUID = 1;

      @Override
      public String valueToString(double value) {
        return Words.percent(outcome.metric()) ? Math.round(100 * value) + "%" : Words.plain(value);
      }
    });
    XYPlot plot = Axes.plot(x, y);
    bars(plot, outcome, systems, low);
    published(plot, systems, published);
    for (int i = 0; i < systems.size(); i++) {
      Metric metric = outcome.system(systems.get(i)).map(s -> s.metrics().get(outcome.metric())).orElse(null);
      mark(plot, i, metric, outcome, low, span);
    }
    for (Bracket bracket : brackets) {
      draw(plot, bracket, low + span * (1.15 + 0.13 * bracket.level), span);
    }
    StringBuilder said = new StringBuilder();
    for (String system : systems) {
      Metric metric = outcome.system(system).map(s -> s.metrics().get(outcome.metric())).orElse(null);
      said.append(system).append(' ').append(Words.value(outcome.metric(), metric == null ? null : metric.value())).append("; ");
    }
    for (Pair pair : outcome.comparisons()) {
      said.append(pair.second()).append(" against ").append(pair.first()).append(' ').append(Words.pSaid(pair.p())).append("; ");
    }
    return SvgCanvas.draw(Axes.chart(plot, false), id, WIDTH, 270 + 24 * levels, outcome.title() + ": " + Words.metric(outcome.metric()) + " of each system",
        said + "the table below has the same numbers.");
  }

  private static void bars(XYPlot plot, Outcome outcome, List<String> systems, double low) {
    XYSeriesCollection data = new XYSeriesCollection();
    XYBarRenderer renderer = new XYBarRenderer();
    for (int i = 0; i < systems.size(); i++) {
      XYSeries series = new XYSeries(i + " " + systems.get(i));
      int at = i;
      outcome.system(systems.get(i)).map(s -> s.metrics().get(outcome.metric())).map(Metric::value).ifPresent(value -> series.add(at, value));
      data.addSeries(series);
      renderer.setSeriesPaint(i, SvgCanvas.series(i));
    }
    renderer.setBarPainter(new StandardXYBarPainter());
    renderer.setShadowVisible(false);
    renderer.setDrawBarOutline(false);
    renderer.setUseYInterval(false);
    renderer.setBase(low);
    plot.setDataset(0, new XYBarDataset(data, BAR));
    plot.setRenderer(0, renderer);
  }

  /** Hollow marks left and right of a bar: diamond for the first model, circle for the second. */
  private static void published(XYPlot plot, List<String> systems, PublishedStudy.Reported published) {
    if (published == null) {
      return;
    }
    XYSeriesCollection data = new XYSeriesCollection();
    XYLineAndShapeRenderer renderer = new XYLineAndShapeRenderer(false, true);
    int series = 0;
    for (var model : published.values().entrySet()) {
      XYSeries points = new XYSeries(model.getKey());
      for (int i = 0; i < Math.min(model.getValue().size(), systems.size()); i++) {
        points.add(i + (series % 2 == 0 ? -0.36 : 0.36), model.getValue().get(i));
      }
      data.addSeries(points);
      renderer.setSeriesShape(series, shape(series));
      renderer.setSeriesPaint(series, SvgCanvas.INK);
      renderer.setSeriesFillPaint(series, SvgCanvas.PAPER);
      series++;
    }
    renderer.setUseFillPaint(true);
    renderer.setDefaultOutlineStroke(new BasicStroke(1.3f));
    renderer.setUseOutlinePaint(false);
    renderer.setDrawOutlines(true);
    plot.setDataset(1, data);
    plot.setRenderer(1, renderer);
  }

  private static Shape shape(int series) {
    if (series % 2 == 1) {
      return new Ellipse2D.Double(-4, -4, 8, 8);
    }
    Path2D diamond = new Path2D.Double();
    diamond.moveTo(0, -5.5);
    diamond.lineTo(5.5, 0);
    diamond.lineTo(0, 5.5);
    diamond.lineTo(-5.5, 0);
    diamond.closePath();
    return diamond;
  }

  private static void mark(XYPlot plot, int i, Metric metric, Outcome outcome, double low, double span) {
    if (metric == null || metric.value() == null) {
      text(plot, "not judged", i, low + span * 0.04, SvgCanvas.font(Font.ITALIC, 12));
      return;
    }
    double top = metric.value();
    Interval ci = metric.ci95();
    if (ci != null) {
      line(plot, i, ci.low(), i, ci.high());
      line(plot, i - 0.07, ci.low(), i + 0.07, ci.low());
      line(plot, i - 0.07, ci.high(), i + 0.07, ci.high());
      top = Math.max(top, ci.high());
    }
    text(plot, Words.value(outcome.metric(), metric.value()), i, top + span * 0.012, SvgCanvas.font(Font.BOLD, 13));
  }

  private static void draw(XYPlot plot, Bracket bracket, double y, double span) {
    double from = bracket.from + 0.08;
    double to = bracket.to - 0.08;
    line(plot, from, y, to, y);
    line(plot, from, y, from, y - span * 0.025);
    line(plot, to, y, to, y - span * 0.025);
    text(plot, Words.pSaid(bracket.pair.p()) + (bracket.pair.significant() ? " *" : ""), (from + to) / 2, y + span * 0.008, SvgCanvas.font(Font.PLAIN, 12));
  }

  private static void line(XYPlot plot, double x1, double y1, double x2, double y2) {
    plot.addAnnotation(new XYLineAnnotation(x1, y1, x2, y2, new BasicStroke(1.2f), SvgCanvas.INK), false);
  }

  private static void text(XYPlot plot, String text, double x, double y, Font font) {
    XYTextAnnotation annotation = new XYTextAnnotation(text, x, y);
    annotation.setFont(font);
    annotation.setPaint(SvgCanvas.INK);
    annotation.setTextAnchor(TextAnchor.BOTTOM_CENTER);
    plot.addAnnotation(annotation, false);
  }

  /** A pair's place: over bars from and to, at a level where it crosses no other. */
  private record Bracket(Pair pair, int from, int to, int level) {}

  private static List<Bracket> brackets(List<Pair> pairs, List<String> systems) {
    List<Bracket> placed = new ArrayList<>();
    List<Pair> known = pairs.stream().filter(p -> systems.contains(p.first()) && systems.contains(p.second()) && !p.first().equals(p.second()))
        .sorted(Comparator.comparingInt(p -> Math.abs(systems.indexOf(p.first()) - systems.indexOf(p.second())))).toList();
    for (Pair pair : known) {
      int from = Math.min(systems.indexOf(pair.first()), systems.indexOf(pair.second()));
      int to = Math.max(systems.indexOf(pair.first()), systems.indexOf(pair.second()));
      int level = 0;
      while (crosses(placed, from, to, level)) {
        level++;
      }
      placed.add(new Bracket(pair, from, to, level));
    }
    return placed;
  }

  private static boolean crosses(List<Bracket> placed, int from, int to, int level) {
    return placed.stream().anyMatch(b -> b.level == level && b.from < to && from < b.to);
  }
}
