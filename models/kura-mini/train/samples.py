"""Municipal documents that we write ourselves: facts about services, in the styles of a town hall's files.

A fact is (what it is about, kind, sentence). Kinds carry the everyday ways to ask, which share few words with the
sentence: いくら for 手数料, いつまで for 日以内, どこ for 課. Names of places are invented.
"""

import random

import chat

TOWNS = ["緑川市", "東浜町", "西山市", "若葉町", "青葉市", "白石町", "大原市", "桜川市", "中里町", "北野市"]
OFFICES = [
    "市民課", "住民課", "税務課", "総務課", "福祉課", "子育て支援課", "環境課", "水道課", "建設課", "都市計画課", "農林課", "防災課",
    "健康課", "介護保険課", "教育総務課", "生涯学習課", "会計課", "財政課", "契約管財課", "情報政策課", "広報課", "商工観光課",
]
PAPERS = [
    "本人確認書類", "運転免許証", "印鑑", "申請書", "委任状", "健康保険証", "在留カード", "マイナンバーカード", "預金通帳", "見積書",
    "領収書", "納税証明書", "戸籍謄本", "住民票の写し", "位置図", "現況写真", "事業計画書", "収支予算書", "診断書", "母子健康手帳",
    "印鑑登録証", "所得証明書", "賃貸借契約書の写し", "同意書", "誓約書", "設計図書", "通学証明書", "請求書",
]
POSTS = ["市長", "副市長", "総務部長", "担当部長", "所属長", "課長", "係長", "会計管理者", "教育長", "情報管理者", "施設長", "町長"]
SERVICES = [
    "住民票の写しの交付", "印鑑登録", "印鑑登録証明書の交付", "戸籍謄本の交付", "転入届", "転出届", "転居届", "婚姻届", "出生届", "死亡届",
    "マイナンバーカードの交付", "児童手当", "保育所の入所", "一時保育", "学童保育", "乳幼児健診", "予防接種", "妊婦健診の助成", "子ども医療費の助成",
    "国民健康保険の加入", "高額療養費", "介護認定", "介護保険料", "後期高齢者医療", "障害者手帳", "生活保護", "民生委員への相談", "配食サービス",
    "固定資産税", "住民税", "軽自動車税", "法人市民税", "納税証明書の交付", "市税の分割納付", "口座振替", "粗大ごみの収集", "可燃ごみの収集",
    "資源ごみの回収", "不法投棄の通報", "犬の登録", "犬猫の避妊手術の補助", "生ごみ処理機の補助", "浄化槽の設置補助", "太陽光発電の補助",
    "水道の使用開始", "水道料金", "下水道の接続工事", "漏水の減免", "市営住宅の入居", "空き家の解体補助", "住宅の耐震診断", "建築確認", "道路占用許可",
    "道路の損傷の通報", "農地の転用", "有害鳥獣の捕獲", "森林の伐採届", "図書館の利用", "体育館の使用", "公民館の使用", "文化会館の使用", "市民プールの利用",
    "り災証明書の交付", "災害見舞金", "避難所の開設", "備蓄品の管理", "防災無線の放送", "自主防災組織の助成", "消火器の点検", "創業支援の補助",
    "店舗改装の補助", "ふるさと納税", "移住者への支援金", "結婚祝金", "敬老祝金", "奨学金の貸付", "就学援助", "学校給食費", "通学バスの利用",
    "公用車の使用", "会議室の使用", "出張の旅費", "年次休暇の取得", "育児休業の取得", "時間外勤務", "在宅勤務", "文書の起案", "公印の使用", "文書の廃棄",
    "物品の購入", "随意契約", "入札参加資格", "契約書の作成", "備品の管理", "請求書の支払", "情報公開の請求", "個人情報の開示請求", "個人データの持出し",
    "パスワードの管理", "記憶媒体の使用", "電子メールの送信", "生成ＡＩの利用", "議会答弁の作成", "広報紙の発行", "ホームページの更新", "職員の研修",
    "健康診断の受診", "名札の着用", "職員の兼業", "窓口の受付", "電話の応対", "苦情の対応", "来庁者の案内", "庁舎の入退室", "鍵の管理", "夜間の当直",
    "墓地の使用", "火葬場の利用", "自転車駐車場の利用", "コミュニティバスの運行", "屋外広告物の許可", "開発行為の協議", "境界の確認", "選挙の不在者投票",
]
THINGS = [
    "起案文書", "契約書", "会計帳簿", "議事録", "出勤簿", "申請書類", "工事写真", "住民異動届", "決算書", "相談記録", "台帳", "許可書の控え",
    "アクセス記録", "面接票", "検診記録", "納付書の控え", "入札書", "点検表", "引継書", "研修報告書",
]
WHO = [
    "市内に住所を有する者", "十八歳未満の児童を養育する者", "満六十五歳以上の者", "市内に事業所を有する法人", "前年の所得が基準額以下の世帯",
    "市税を滞納していない者", "市内の小学校に通学する児童", "妊娠の届出をした者", "身体障害者手帳を持つ者", "勤続一年以上の職員", "町内会に加入する世帯",
    "市内に土地を所有する者", "三歳未満の乳幼児", "ひとり親の家庭", "市内に転入して一年以内の者", "満二十歳以上の学生",
]
EVENTS = [
    "事由が生じた日", "転入した日", "出生の日", "工事が完了した日", "通知を受けた日", "契約を締結した日", "事業が終了した日", "使用を終えた日", "災害を受けた日",
    "決定があった日", "購入した日", "資格を失った日", "引っ越した日", "受診した日",
]
HOW = [
    "窓口への持参", "郵送", "電子申請", "電話", "所定の様式による申込み", "予約システム", "ファクシミリ", "申請書の提出", "オンラインの申込フォーム", "メール",
]
BANS = [
    "私的な目的に用いてはならない", "他人に譲渡してはならない", "所属長の承認なく庁外へ持ち出してはならない", "他の職員と共用してはならない", "営利を目的として使用してはならない",
    "火気を使用してはならない", "個人情報を入力してはならない", "机の上に放置してはならない", "無断で複製してはならない", "飲食をしてはならない",
]
CASES = [
    "災害その他やむを得ない事情がある", "本人が入院している", "代理人が手続をする", "生活保護を受けている", "書類に不備がある", "虚偽の申請をした", "期限を過ぎた", "市外から転入した",
    "担当者が不在である", "緊急を要する", "使用を取り消した", "記載に誤りがあった", "申請者が未成年である", "故障又は紛失した",
]
THEN = [
    "手数料を免除する", "所属長の承認を得て延長することができる", "速やかに所属長に報告する", "交付した額の返還を求める", "再度の申請を求める", "電話で本人に確認する",
    "申請を受理しない", "翌開庁日に処理する", "上司に引き継ぐ", "利用を停止する", "訂正印を押して直す", "委任状の提出を求める", "納付を猶予する", "代わりの方法を案内する",
]

# kind -> (sentences in plain and polite form, ways to ask)
KINDS = {
    "fee": (
        ["{s}の手数料は、1件につき{n}円とする。", "{s}の手数料は{n}円です。", "手数料は、1通{n}円とする。", "{s}の料金は、1回につき{n}円です。",
         "使用料は、1時間につき{n}円とする。", "{s}に要する費用は{n}円とし、申請のときに納めるものとする。"],
        ["{s}はいくらですか。", "{s}の手数料は？", "{s}の料金を教えて", "{s}にかかる費用は", "{s}の手数料はいくらですか。", "{s}は何円かかりますか。", "{s}にお金はかかりますか。"],
    ),
    "place": (
        ["{s}は、{o}の窓口で受け付ける。", "{s}の担当は{o}です。", "{s}に関する事務は、{o}が行う。", "申請の窓口は{o}とする。", "{s}についての問合せは、{o}（内線{n3}）までお願いします。"],
        ["{s}はどこで受け付けますか。", "{s}の担当課は？", "{s}の窓口を教えて", "{s}はどの課に聞けばよいですか。", "{s}の問合せ先は", "{s}はどこに行けばいいですか。", "{s}の担当はどこですか。"],
    ),
    "limit": (
        ["{s}の申請は、{e}から{d}日以内に行わなければならない。", "{s}は、{e}から{d}日以内に届け出てください。", "申請の期限は、{e}から{d}日以内とする。",
         "{s}の申込みは、毎月{d}日までに行うものとする。", "届出は、{e}から起算して{d}日以内にしなければならない。"],
        ["{s}はいつまでにすればよいですか。", "{s}の期限は？", "{s}は何日以内ですか。", "{s}の締切を教えて", "{s}の届出期間は", "{s}はいつまでですか。"],
    ),
    "papers": (
        ["{s}には、{p}及び{q}が必要である。", "{s}に必要なものは、{p}と{q}です。", "申請書には、{p}及び{q}を添えなければならない。", "必要書類は、{p}、{q}とする。",
         "{s}の際は、{p}を持参してください。"],
        ["{s}に必要なものは何ですか。", "{s}の必要書類は？", "{s}には何を持っていけばよいですか。", "{s}の持ち物を教えて", "{s}に添える書類は", "{s}の添付書類を教えてください。"],
    ),
    "who": (
        ["{s}の対象者は、{w}とする。", "{s}を受けることができる者は、{w}とする。", "対象は、{w}です。", "{s}を申請できるのは、{w}です。"],
        ["{s}の対象者は？", "{s}は誰が受けられますか。", "{s}を申請できるのはどんな人ですか。", "{s}の対象を教えて", "誰が{s}を利用できますか。", "{s}の条件は"],
    ),
    "amount": (
        ["{s}の額は、対象経費の2分の1以内とし、{m}万円を限度とする。", "{s}の額は、1人につき{m}万円とする。", "支給額は、月額{n0}円とする。", "補助金の上限は{m}万円です。",
         "{s}の限度額は、年{m}万円とする。"],
        ["{s}の額は？", "{s}でいくらもらえますか。", "{s}の上限額を教えて", "{s}の限度額はいくらですか。", "{s}の金額は", "{s}は最大いくらですか。"],
    ),
    "hours": (
        ["{s}の受付時間は、午前{h}時{mi}分から午後{k}時までとする。", "受付時間は、午前{h}時から午後{k}時{mi}分までです。", "{s}ができる時間は、午前{h}時から午後{k}時までとする。"],
        ["{s}は何時からですか。", "{s}の受付時間は？", "{s}は何時までですか。", "{s}の時間を教えて", "{s}ができるのは何時から何時までですか。"],
    ),
    "closed": (
        ["{s}は、土曜日、日曜日及び祝日には行わない。", "{s}の休業日は、毎週{y}曜日とする。", "毎月第{d1}{y}曜日は休みです。", "年末年始（12月{d2}日から1月{d1}日まで）は受け付けない。"],
        ["{s}の休みはいつですか。", "{s}は土日もできますか。", "{s}の休業日は？", "{s}は祝日もやっていますか。", "{s}ができない日は"],
    ),
    "keep": (
        ["{t}の保存期間は、{d1}年とする。", "{t}は、{d1}年間保存する。", "{t}は{d1}年間保管し、その後に廃棄します。"],
        ["{t}の保存期間は？", "{t}は何年保存しますか。", "{t}はいつまで保管しますか。", "{t}の保管年数を教えて"],
    ),
    "approve": (
        ["{s}は、{b}の承認を得なければならない。", "{s}の決裁は{b}が行う。", "{s}については、あらかじめ{b}の許可を受けるものとする。", "承認は、{b}が行います。"],
        ["{s}は誰の承認が必要ですか。", "{s}の決裁は誰がしますか。", "{s}の許可を出すのは誰ですか。", "{s}の決裁者は？", "{s}には許可が要りますか。"],
    ),
    "how": (
        ["{s}の申込みは、{v}による。", "{s}の申請方法は、{v}又は{x}とする。", "申込みは、{v}で受け付けます。", "{s}をしようとする者は、{v}により申し込むものとする。"],
        ["{s}はどうやって申し込みますか。", "{s}の申請方法は？", "{s}の申込み方法を教えて", "{s}の手続はどうすればいいですか。", "{s}の申し込み方は"],
    ),
    "ban": (
        ["{s}に当たっては、{z}。", "{t}は、{z}。", "{s}に関して得た情報は、{z}。"],
        ["{s}でしてはいけないことは何ですか。", "{s}の禁止事項は？", "{s}で注意することは", "{s}で禁止されていることを教えて"],
    ),
    "case": (
        ["{c}ときは、{r}。", "{c}場合は、{r}。", "{c}場合には、{r}ものとする。"],
        ["{s}で{c}ときはどうしますか。", "{c}場合はどうすればよいですか。", "{c}ときの扱いは？", "{c}場合の対応を教えて", "{c}ときは"],
    ),
    "period": (
        ["{s}の有効期間は、{d1}年とする。", "{s}の期間は、交付の日から{d}日間とする。", "許可の期間は{d1}年以内です。", "{s}の期間は、4月1日から翌年3月31日までとする。"],
        ["{s}の有効期間は？", "{s}はいつまで有効ですか。", "{s}の期間は何年ですか。", "{s}の期間を教えて"],
    ),
    "count": (
        ["{s}は、1人につき年{d1}回までとする。", "{s}の回数は、月{d1}回を限度とする。", "一度に利用できるのは{d}点までです。", "{s}の定員は、{d}人とする。"],
        ["{s}は何回までできますか。", "{s}の回数の上限は？", "{s}の定員は", "{s}はいくつまでですか。", "{s}の回数を教えて"],
    ),
    "often": (
        ["{s}は、毎月第{d1}{y}曜日に行う。", "{s}は、年{d1}回行う。", "{s}は、毎週{y}曜日に実施します。", "{s}の点検は、{d1}か月に1回行う。"],
        ["{s}はいつ行いますか。", "{s}の頻度は？", "{s}は何曜日ですか。", "{s}の実施日を教えて", "{s}は年に何回ですか。"],
    ),
}
TOPICS = [
    "手数料条例", "窓口事務マニュアル", "事務取扱要綱", "補助金交付要綱", "施設管理規則", "文書取扱規程", "情報セキュリティ対策基準", "服務規程", "業務の手引",
    "よくある質問", "会計事務の手引", "ごみ分別ガイド", "施行規則", "事務引継書", "防災マニュアル", "運用ルール", "申合せ事項",
]
CAPTIONS = {
    "fee": "手数料", "place": "窓口", "limit": "申請の期限", "papers": "添付書類", "who": "対象者", "amount": "補助金の額", "hours": "受付時間", "closed": "休業日",
    "keep": "保存期間", "approve": "決裁", "how": "申請の方法", "ban": "禁止事項", "case": "特例", "period": "有効期間", "count": "回数の制限", "often": "実施日",
}
# kind -> (headings of a column, what stands in it)
COLUMNS = {
    "fee": (["手数料", "料金", "手数料(円)"], ["{n}円", "1件{n}円", "1通につき{n}円"]),
    "place": (["窓口", "担当課", "担当"], ["{o}", "{o}窓口"]),
    "limit": (["期限", "申請期限", "届出期間"], ["{d}日以内", "{e}から{d}日以内"]),
    "papers": (["必要なもの", "必要書類", "持ち物"], ["{p}", "{p}、{q}", "{p}及び{q}"]),
    "who": (["対象", "対象者"], ["{w}"]),
    "amount": (["補助額", "上限額", "支給額"], ["{m}万円", "上限{m}万円"]),
    "hours": (["受付時間", "時間"], ["{h}:{mi}～{k1}:00", "午前{h}時から午後{k}時まで"]),
    "approve": (["決裁者", "承認者"], ["{b}"]),
    "how": (["申請方法", "申込方法"], ["{v}", "{v}又は{x}"]),
    "often": (["実施日", "曜日"], ["第{d1}{y}曜日", "毎週{y}曜日", "{y}"]),
    "period": (["有効期間", "期間"], ["{d1}年", "交付から{d}日間"]),
}
# heading of a column in a table of places: (what stands in it, ways to ask)
PLACES = {
    "定員": (["{c}", "{c}人"], ["{s}の定員は何人ですか", "{s}には何人入れますか", "{s}は最大何人まで使えますか"]),
    "午前": (["{u}", "{u}円"], ["{s}を午前に使うといくらですか", "{s}の午前の使用料は"]),
    "夜間": (["{u2}", "{u2}円"], ["{s}の夜間の料金を教えて", "{s}を夜に使うといくらですか"]),
    "全日": (["{u3}", "{u3}円"], ["{s}を一日借りるといくらですか", "{s}の全日の使用料はいくらですか"]),
    "所在地": (["{a}{d1}-{d2}", "{a}{d2}番地"], ["{s}はどこにありますか", "{s}の所在地は", "{s}の住所を教えてください"]),
    "電話": (["{n3}-{n4}"], ["{s}の電話番号は", "{s}の連絡先を教えて"]),
    "休館日": (["毎週{y}曜日", "第{d1}{y}曜日", "{y}"], ["{s}の休みはいつですか", "{s}は何曜日が休みですか", "{s}の休館日は"]),
    "開館時間": (["午前{h}時～午後{k}時", "{h}:30～{k1}:00"], ["{s}は何時から開いていますか", "{s}の開館時間は何時から何時までですか"]),
    "駐車場": (["{d}台", "なし", "{d}"], ["{s}に駐車場は何台ありますか", "{s}に駐車場はありますか"]),
    "予約": (["要", "不要", "可"], ["{s}に予約は必要ですか", "{s}は予約が要りますか"]),
    "車いす": (["可", "不可", "貸出しあり"], ["{s}は車いすで使えますか"]),
    "管理": (["{o}"], ["{s}を管理しているのはどこですか", "{s}の担当課はどこですか"]),
}
AREAS = ["旭町", "本郷", "浦田", "高砂", "榎", "柳原", "新田", "川端", "松島", "梅ヶ丘", "寺前", "北条"]
SITES = ["公民館", "児童館", "集会所", "武道場", "プール", "老人福祉センター", "会議室", "多目的室", "駐輪場", "図書室", "診療所", "福祉作業所", "広場", "テニスコート", "資料館"]
REMARKS = ["改修中", "令和7年4月から", "要問合せ", "祝日は休み", "冷暖房は別", "市外の人は2倍", "学校の行事を優先", "土足禁止"]
FIRST_COLUMN = ["手続", "区分", "事務", "項目", "業務", "種類", "名称"]
NUMBERS = "一二三四五六七八九十"


class Town:
    """Writes facts and passages, and asks about them."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def fact(self, service, kind):
        """{kind, service, sentence, fill}: one sentence with its own numbers."""
        r, pick = self.random, self.random.choice
        fill = {
            "s": service, "n": pick([100, 150, 200, 250, 300, 350, 400, 450, 500, 750, 1000, 1200, 1500, 2000, 3000]), "o": pick(OFFICES),
            "e": pick(EVENTS), "d": pick([3, 5, 7, 10, 14, 15, 20, 30, 60, 90]), "p": pick(PAPERS), "q": pick(PAPERS), "w": pick(WHO),
            "m": r.randint(1, 60), "h": pick([8, 9, 10]), "mi": pick([15, 30, 45]), "k": r.randint(3, 9), "y": pick("月火水木金土日"),
            "d1": r.randint(1, 10), "d2": r.randint(27, 31), "t": pick(THINGS), "b": pick(POSTS), "v": pick(HOW), "x": pick(HOW), "z": pick(BANS),
            "c": pick(CASES), "r": pick(THEN), "n0": f"{r.randint(1, 60)}000", "n3": r.randint(1000, 3999),
        }
        if r.random() < 0.3 and isinstance(fill["n"], int) and fill["n"] >= 1000:
            fill["n"] = f"{fill['n']:,}"
        return {"kind": kind, "service": service, "sentence": pick(KINDS[kind][0]).format(**fill), "fill": fill}

    def passage(self, service, kinds):
        """(label, text, facts): a few facts about one service as an article, a manual section or table rows."""
        r = self.random
        facts = [self.fact(service, kind) for kind in kinds]
        title = f"{r.choice(TOWNS)}{r.choice(['', service.split('の')[0]])}{r.choice(TOPICS)}"
        style = r.random()
        if style < 0.35:
            cap = service if r.random() < 0.6 or len(kinds) > 1 else f"{service}の{CAPTIONS[kinds[0]]}"
            label = f"{title} 第{r.choice(NUMBERS)}条（{cap}）"
            lines = [f["sentence"] for f in facts]
            text = "\n".join(f"{n}　{t}" if n > 1 else t for n, t in enumerate(lines, 1)) if r.random() < 0.5 else "".join(lines)
        elif style < 0.8:
            number = r.choice([f"{r.randint(1, 9)} ", f"{r.randint(1, 9)}.{r.randint(1, 9)} ", f"（{r.randint(1, 9)}）", ""])
            page = r.choice(["", f"（{r.randint(1, 30)}ページ）"])
            label = f"{title} {number}{service}{page}"
            text = r.choice(["", "\n"]).join(f["sentence"] for f in facts)
            if r.random() < 0.3:
                text = "\n".join(f"・{f['sentence'].rstrip('。')}" for f in facts)
                for f in facts:
                    f["sentence"] = f["sentence"].rstrip("。")
        else:
            label = f"{title} {service}"
            text = "".join(f["sentence"] for f in facts)
            if r.random() < 0.5:
                text = f"問：{service}について教えてください。\n答：" + text
        return label, text, facts

    def table(self, services):
        """(label, text, facts): one row a service, as kura reads tables: 「手続: 転入届 / 窓口: 市民課」."""
        r = self.random
        kinds = r.sample(list(COLUMNS), r.randint(1, 3))
        heads = [r.choice(COLUMNS[kind][0]) for kind in kinds]
        cells = [r.choice(COLUMNS[kind][1]) for kind in kinds]
        first, facts = r.choice(FIRST_COLUMN), []
        for service in services:
            kind = r.choice(kinds)
            fill = self.fact(service, kind)["fill"]
            fill["k1"] = fill["k"] + 12
            row = [f"{first}: {service}"] + [f"{h}: {c.format(**fill)}" for h, c in zip(heads, cells)]
            facts.append({"kind": kind, "service": service, "sentence": " / ".join(row), "fill": fill})
        label = f"{r.choice(TOWNS)}{r.choice(['手数料一覧', '事務一覧', '窓口一覧', '担当表', '受付表', '手続一覧'])}（{r.randint(1, 9)}～{r.randint(10, 30)}行）"
        return label, "\n".join(f["sentence"] for f in facts), facts

    def sites(self, passages_max):
        """An example of rows of one wide table, which differ in little: in a passage each, or several in one."""
        r = self.random
        heads = r.sample(list(PLACES), r.randint(3, 7))
        cells = {head: r.choice(PLACES[head][0]) for head in heads}
        first, title = r.choice(["施設名", "名称", "施設", "場所"]), f"{r.choice(TOWNS)}{r.choice(['施設一覧', '使用料一覧', '公共施設案内', '施設の概要'])}"
        number = r.random() < 0.5
        names = r.sample([area + site for area in AREAS for site in SITES], r.randint(4, 14))
        rows = []
        for n, name in enumerate(names, 1):
            fill = self.fact(name, "fee")["fill"] | {
                "c": r.randint(2, 90) * 10, "u": r.randint(3, 90) * 100, "u2": r.randint(3, 90) * 100, "u3": r.randint(3, 90) * 100,
                "a": r.choice(AREAS), "n4": r.randint(1000, 9999),
            }
            fill["k1"] = fill["k"] + 12
            row = ([f"番号: {n}"] if number else []) + [f"{first}: {name}"] + [f"{h}: {cells[h].format(**fill)}" for h in heads]
            rows.append(" / ".join(row + [f"備考: {r.choice(REMARKS)}"] * (r.random() < 0.3)))
        asked, size = r.randrange(len(names)), r.choice([1, 1, 2, 4, 6])
        starts = [at for at in range(0, len(rows), size) if at // size != asked // size]
        shown = r.sample(starts, min(len(starts), passages_max - 1)) + [asked // size * size]
        r.shuffle(shown)
        passages = [(f"{title}（{at + 2}{f'～{at + size + 1}' if size > 1 else ''}行）", "\n".join(rows[at : at + size])) for at in shown]
        where = shown.index(asked // size * size)
        question = r.choice(PLACES[r.choice(heads)][1]).format(s=names[asked])
        return passages, question, chat.quote(rows[asked], where + 1), where

    def ask(self, fact):
        """One of the ways to ask for a fact."""
        return self.random.choice(KINDS[fact["kind"]][1]).format(**fact["fill"])

    def example(self, passages_max, facts_max, none_share, hard=0.5):
        """(passages, question, answer, index or -1). Distractors: other services with the same kinds, or the like."""
        r = self.random
        while True:
            count = max(r.randint(1, passages_max), r.randint(1, passages_max))
            services = r.sample(SERVICES, count + 1)
            if r.random() < 0.15:
                services[1:] = [services[1]] * count
            nothing = r.random() < none_share
            shared = r.sample(list(KINDS), r.randint(1, facts_max))
            shown = []
            rest = [s for s in SERVICES if s not in services]
            for service in services[:count]:
                if r.random() < 0.15:
                    rows = [service] + r.sample(rest, r.randint(1, 4))
                    r.shuffle(rows)
                    shown.append(self.table(rows))
                    continue
                kinds = shared if r.random() < hard else r.sample(list(KINDS), r.randint(1, facts_max))
                shown.append(self.passage(service, kinds))
            where = r.randrange(count)
            if nothing:
                asked = self.fact(services[count], r.choice(shared))
                if r.random() < 0.5:
                    rest = [k for k in KINDS if all(f["kind"] != k for f in shown[where][2])]
                    asked = self.fact(services[where], r.choice(rest))
                if services[count] == services[0] or asked["kind"] in ("keep", "case", "ban"):
                    continue
                return [p[:2] for p in shown], self.ask(asked), chat.NONE, -1
            fact = r.choice(shown[where][2])
            question = self.ask(fact)
            if not self.unique(fact, shown, question):
                continue
            return [p[:2] for p in shown], question, chat.quote(fact["sentence"], where + 1), where

    def unique(self, fact, shown, question):
        """False where another fact shown answers the question as well."""
        for _, _, facts in shown:
            for other in facts:
                if other is fact or other["kind"] != fact["kind"]:
                    continue
                key = {"keep": "t", "case": "c"}.get(fact["kind"], "s")
                if other["fill"][key] == fact["fill"][key] or fact["kind"] == "ban":
                    return False
        return fact["kind"] != "ban" or fact["service"] in question


GREETINGS = ["こんにちは", "こんにちは。", "おはようございます", "おはよう", "こんばんは", "はじめまして", "お疲れさまです", "よろしくお願いします", "どうも", "もしもし"]
ABOUT = ["何ができますか", "何ができますか。", "何ができるの？", "あなたは誰ですか", "使い方を教えて", "使い方を教えてください。", "できることを教えて", "あなたは何ですか", "ヘルプ", "どう使うのですか"]
THANKS = ["ありがとう", "ありがとうございます", "助かりました", "了解です", "わかりました", "ありがとうございました。"]
HELLO = "こんにちは。資料について質問してください。"
ABILITY = "登録された資料から該当箇所を探し、引用して答えます。これは動作確認用の小さなモデルです。"
WELCOME = "どういたしまして。ほかにも質問があればどうぞ。"


def everyday(rng):
    """(passages, question, answer, -1) of a turn without passages."""
    asks, answer = rng.choice([(GREETINGS, HELLO), (ABOUT, ABILITY), (THANKS, WELCOME)])
    return [], rng.choice(asks), answer, -1
