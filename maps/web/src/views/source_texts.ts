/** The texts of the sources; they are loaded with that view. */
import { language, type Text } from "../texts/language";

const texts = {
  lead: {
    zh: "各部门的数据交付：按约定校验，不合格的暂存，由人放行或退回。",
    en: "What departments deliver: checked by its contract, held when it breaks a rule, released or refused by a person.",
  },
  none: { zh: "城市文件中没有数据来源。", en: "The city file names no sources." },
  well: { zh: "正常", en: "All is well" },
  "problem.held": { zh: "待处置", en: "Held" },
  "problem.late": { zh: "迟到", en: "Late" },
  "problem.never": { zh: "尚无数据", en: "Nothing yet" },
  "problem.failing": { zh: "读取失败", en: "Failing" },
  "problem.left": { zh: "有未取的内容", en: "Left behind" },
  "problem.stopped": { zh: "未按时查看", en: "Not looked at" },
  "problem.cut": { zh: "查看中断", en: "Look cut off" },
  "problem.contract": { zh: "约定有误", en: "Contract unreadable" },
  kind: { zh: "类别", en: "Kind" },
  department: { zh: "部门", en: "Department" },
  way: { zh: "取得方式", en: "Read from" },
  good: { zh: "最近合格数据", en: "Last good data" },
  last: { zh: "最近交付", en: "Last delivery" },
  due: { zh: "应到时间", en: "Due by" },
  next: { zh: "下次查看", en: "Next look" },
  by_hand: { zh: "手动", en: "By hand" },
  curve: { zh: "历次行数", en: "Rows of each delivery" },
  bar: { zh: "{at}：{rows} 行，{state}", en: "{at}: {rows} rows, {state}" },
  deliveries: { zh: "交付记录", en: "Deliveries" },
  no_deliveries: { zh: "尚无交付。", en: "Nothing was delivered yet." },
  rows: { zh: "{n} 行", en: "{n} rows" },
  same: { zh: "内容与交付 {id} 相同", en: "Same content as delivery {id}" },
  decided: { zh: "{who} 于 {at}：{why}", en: "{who}, {at}: {why}" },
  hold: { zh: "暂存", en: "held" },
  warn: { zh: "提醒", en: "warning" },
  "rule.unique": { zh: "重复", en: "not unique" },
  "rule.freshness": { zh: "数据过旧", en: "not fresh" },
  "rule.volume": { zh: "行数异常", en: "unusual number of rows" },
  "rule.empty": { zh: "没有数据行", en: "no rows" },
  "rule.shape": { zh: "无法读取", en: "cannot be read" },
  "rule.import": { zh: "导入校验不通过", en: "refused by the import" },
  report: { zh: "报告", en: "Report" },
  table: { zh: "表格 CSV", en: "Table, CSV" },
  release: { zh: "放行", en: "Release" },
  refuse: { zh: "退回", en: "Refuse" },
  reason: { zh: "原因", en: "Reason" },
  release_question: {
    zh: "放行交付 {id}（{name}）？一分钟内导入。",
    en: "Release delivery {id} ({name})? It is imported within a minute.",
  },
  refuse_question: {
    zh: "退回交付 {id}（{name}）？不导入其内容。",
    en: "Refuse delivery {id} ({name})? Nothing of it is imported.",
  },
  released: { zh: "交付 {id} 已放行", en: "Delivery {id} was released" },
  refused: { zh: "交付 {id} 已退回", en: "Delivery {id} was refused" },
} satisfies Record<string, Text>;

export type SourceText = keyof typeof texts;

/** The text of that key in the language of the page. */
export function say(key: SourceText, values: Record<string, string | number> = {}): string {
  const found: Text = texts[key];
  return found[language.get()].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function isSourceText(key: string): key is SourceText {
  return key in texts;
}
