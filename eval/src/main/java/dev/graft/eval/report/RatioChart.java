package dev.graft.eval.report;

import java.awt.Font;
import java.util.List;
import java.util.Locale;
import org.jfree.chart.annotations.XYTextAnnotation;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.SymbolAxis;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.StandardXYBarPainter;
import org.jfree.chart.renderer.xy.XYBarRenderer;
import org.jfree.chart.ui.TextAnchor;
import org.jfree.data.xy.XYBarDataset;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/** How much longer a DPO step takes than an SFT step: a bar for each task, ours and the study's. Stateless. */
final class RatioChart {
  private RatioChart() {}

  /** A bar. @param ours whether it is ours, or the study's */
  record Bar(String name, double ratio, boolean ours) {}

  static String svg(String id, List<Bar> bars) {
    int n = bars.size();
    String[] names = new String[n];
    XYSeries ours = new XYSeries("ours");
    XYSeries study = new XYSeries("study");
    double most = 1;
    for (int i = 0; i < n; i++) {
      Bar bar = bars.get(n - 1 - i); // a horizontal axis counts from below
      names[i] = bar.name;
      (bar.ours ? ours : study).add(i, bar.ratio);
      most = Math.max(most, bar.ratio);
    }
    SymbolAxis x = new SymbolAxis(null, names);
    x.setGridBandsVisible(false);
    x.setRange(-0.6, n - 0.4);
    NumberAxis y = new NumberAxis("seconds of a DPO step, in SFT steps");
    y.setRange(0, most * 1.25);
    XYPlot plot = Axes.plot(x, y);
    XYSeriesCollection data = new XYSeriesCollection();
    data.addSeries(ours);
    data.addSeries(study);
    XYBarRenderer renderer = new XYBarRenderer();
    renderer.setBarPainter(new StandardXYBarPainter());
    renderer.setShadowVisible(false);
    renderer.setUseYInterval(false);
    renderer.setSeriesPaint(0, SvgCanvas.series(2));
    renderer.setSeriesPaint(1, SvgCanvas.series(0));
    plot.setDataset(new XYBarDataset(data, 0.6));
    plot.setRenderer(renderer);
    plot.setOrientation(PlotOrientation.HORIZONTAL);
    StringBuilder said = new StringBuilder();
    for (int i = 0; i < n; i++) {
      Bar bar = bars.get(n - 1 - i);
      XYTextAnnotation text = new XYTextAnnotation(Words.times(bar.ratio), i, bar.ratio + most * 0.02);
      text.setFont(SvgCanvas.font(Font.BOLD, 12));
      text.setPaint(SvgCanvas.INK);
      text.setTextAnchor(TextAnchor.CENTER_LEFT);
      plot.addAnnotation(text, false);
    }
    bars.forEach(bar -> said.append(String.format(Locale.ROOT, "%s %.2f; ", bar.name, bar.ratio)));
    return SvgCanvas.draw(Axes.chart(plot, false), id, 460, 60 + 26 * n, "How much longer a DPO step takes than an SFT step", said + "the table below has the same numbers.");
  }
}
