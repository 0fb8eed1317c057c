"""What countries are called: ISO 3166-1 alpha-2, alpha-3, then names, folded as `folded` does.

A name goes on with a line that is indented.

Sources:
    ISO 3166-1. Names in English, German, French, Spanish, Italian, Portuguese, Dutch and the
    country's own language: CLDR, by way of the package phonenumbers 9.0; other usual names: ours.
"""

NAMES = """
ad|and|andorra|andorre
ae|are|united arab emirates|vereinigte arabische emirate|emirats arabes unis|emiratos arabes
    unidos|emirati arabi uniti|emirados arabes unidos|verenigde arabische emiraten|uae|u a
    e|emirates
af|afg|afghanistan|afganistan|afeganistao
ag|atg|antigua and barbuda|antigua und barbuda|antigua et barbuda|antigua y barbuda|antigua e
    barbuda|antigua en barbuda
ai|aia|anguilla|anguila
al|alb|albania|albanien|albanie|shqiperia
am|arm|armenia|armenien|armenie
ao|ago|angola
aq|ata|antarctica|antarktis|antarctique|antartida|antartide
ar|arg|argentina|argentinien|argentine|argentinie
as|asm|american samoa|amerikanisch samoa|samoa americaines|samoa americana|samoa
    americane|amerikaans samoa
at|aut|austria|osterreich|autriche|oostenrijk
au|aus|australia|australien|australie
aw|abw|aruba
ax|ala|aland islands|aaland inseln|iles aland|islas aland|isole aland|ilhas aland|alandeilanden
az|aze|azerbaijan|aserbaidschan|azerbaidjan|azerbaiyan|azerbaigian|azerbaijao|azerbeidzjan
ba|bih|bosnia and herzegovina|bosnien und herzegowina|bosnie herzegovine|bosnia y
    hercegovina|bosnia erzegovina|bosnia herzegovina|bosnie en herzegovina|bosnia
bb|brb|barbados|barbade
bd|bgd|bangladesh|bangladesch
be|bel|belgium|belgien|belgique|belgica|belgio|belgie
bf|bfa|burkina faso|burquina faso
bg|bgr|bulgaria|bulgarien|bulgarie|bulgarije|българия
bh|bhr|bahrain|bahrein
bi|bdi|burundi
bj|ben|benin
bl|blm|saint barthelemy|san bartolome|sao bartolomeu
bm|bmu|bermuda|bermudes|bermudas
bn|brn|brunei
bo|bol|bolivia|bolivien|bolivie|bolivia plurinational state of
bq|bes|bonaire sint eustatius and saba|bonaire sint eustatius und saba|bonaire saint eustache
    et saba|bonaire san eustaquio y saba|bonaire sint eustatius e saba
br|bra|brazil|brasilien|bresil|brasil|brasile|brazilie
bs|bhs|bahamas|bahama s|the bahamas
bt|btn|bhutan|bhoutan|butan|butao
bv|bvt|bouvet island|bouvet insel|ile bouvet|isla bouvet|isola di bouvet|ilha
    bouvet|bouveteiland
bw|bwa|botswana|botsuana
by|blr|belarus|bielo russie|bielorrusia|bielorussia|wit rusland
bz|blz|belize|belice
ca|can|canada|kanada
cc|cck|cocos islands|kokos inseln|iles cocos|islas cocos|isole cocos|ilhas coco|cocoseilanden
cd|cod|the democratic republic of congo|demokratische republik kongo|republique democratique du
    congo|republica democratica del congo|repubblica democratica del congo|congo kinshasa|dr
    congo|drc|democratic republic of the congo|congo democratic republic of the
cf|caf|central african republic|zentralafrikanische republik|republique centre
    africaine|republica centroafricana|repubblica centrafricana|republica centro africana|centraal
    afrikaanse republiek
cg|cog|congo|kongo|congo brazzaville|republic of the congo
ch|che|switzerland|schweiz|suisse|suiza|svizzera|suica|zwitserland|swiss
ci|civ|cote d ivoire|elfenbeinkuste|costa de marfil|costa d avorio|costa do
    marfim|ivoorkust|ivory coast
ck|cok|cook islands|cook inseln|iles cook|islas cook|isole cook|ilhas cook|cookeilanden
cl|chl|chile|chili|cile
cm|cmr|cameroon|kamerun|cameroun|camerun|republica dos camaroes|kameroen
cn|chn|中国|china|chine|cina|prc|people s republic of china
co|col|colombia|kolumbien|colombie
cr|cri|costa rica
cu|cub|cuba|kuba
cv|cpv|cape verde|kap verde|cap vert|cabo verde|capo verde|kaapverdie
cw|cuw|curacao
cx|cxr|christmas island|weihnachtsinsel|ile christmas|isla christmas|isola di natale|ilhas
    natal|christmaseiland
cy|cyp|cyprus|zypern|chypre|chipre|cipro
cz|cze|czech republic|tschechische republik|republique tcheque|chequia|repubblica
    ceca|republica tcheca|tsjechie|ceska republika|czechia|tschechien
de|deu|germany|deutschland|allemagne|alemania|germania|alemanha|duitsland|federal republic of
    germany|brd
dj|dji|djibouti|dschibuti|yibuti|gibuti|djibuti
dk|dnk|denmark|danemark|dinamarca|danimarca|denemarken|danmark
dm|dma|dominica|dominique
do|dom|dominican republic|dominikanische republik|republique dominicaine|republica
    dominicana|repubblica dominicana|dominicaanse republiek
dz|dza|algeria|algerien|algerie|argelia|algerije
ec|ecu|ecuador|equateur|equador
ee|est|estonia|estland|estonie|eesti
eg|egy|egypt|agypten|egypte|egipto|egitto|egito
eh|esh|western sahara|westsahara|sahara occidental|sahara occidentale|saara
    ocidental|westelijke sahara
er|eri|eritrea|erythree|eritreia
es|esp|spain|spanien|espagne|espana|spagna|espanha|spanje
et|eth|ethiopia|athiopien|ethiopie|etiopia
fi|fin|finland|finnland|finlande|finlandia|suomi
fj|fji|fiji|fidschi|fidji|fiyi|figi
fk|flk|falkland islands|falkland inseln|iles malouines|islas malvinas|isole falkland|ilhas
    malvinas|falklandeilanden
fm|fsm|micronesia|mikronesien|micronesie
fo|fro|faroe islands|faroer inseln|iles feroe|islas feroe|isole færoer|ilhas faroe|faeroer
fr|fra|france|frankreich|francia|franca|frankrijk|republique francaise
ga|gab|gabon|gabun|gabao
gb|gbr|united kingdom|vereinigtes konigreich|royaume uni|reino unido|regno unito|verenigd
    koninkrijk|uk|u k|great britain|england|scotland|wales|northern
    ireland|britain|grossbritannien|grande bretagne|gran bretana|inglaterra|angleterre
gd|grd|grenada|grenade|granada
ge|geo|georgia|georgien|georgie
gf|guf|french guiana|franzosisch guayana|guyane francaise|guayana francesa|guayana
    francese|guiana francesa|frans guyana
gg|ggy|guernsey|guernesey
gh|gha|ghana|gana
gi|gib|gibraltar|gibilterra
gl|grl|greenland|gronland|groenland|groenlandia
gm|gmb|gambia|gambie|the gambia
gn|gin|guinea|guinee|guine
gp|glp|guadeloupe|guadalupe|guadalupa
gq|gnq|equatorial guinea|aquatorial guinea|guinee equatoriale|guinea ecuatorial|guinea
    equatoriale|guine equatorial|equatoriaal guinea
gr|grc|greece|griechenland|grece|grecia|griekenland|ελλαδα|hellas
gs|sgs|south georgia and the south sandwich islands|sud georgia und die sudlichen sandwich
    inseln|georgie du sud et iles sandwich du sud|islas georgia del sur y sandwich del sur|georgia
    del sud e isole sandwich meridionali|georgia do sul e ilhas sandwich do sul|zuid georgie en
    zuidelijke sandwicheilanden
gt|gtm|guatemala
gu|gum|guam
gw|gnb|guinea bissau|guinee bissau|guine bissau
gy|guy|guyana|guiana
hk|hkg|hong kong|hongkong|hong kong regiao admin especial da china|hongkong sar van china
hm|hmd|heard island and mcdonald islands|heard und mcdonald inseln|ile heard et iles
    mcdonald|islas heard y mcdonald|isole heard e mcdonald|ilha heard e ilhas mcdonald|heard en
    mcdonaldeilanden
hn|hnd|honduras
hr|hrv|croatia|kroatien|croatie|croacia|croazia|kroatie|hrvatska
ht|hti|haiti
hu|hun|hungary|ungarn|hongrie|hungria|ungheria|hongarije|magyarorszag
id|idn|indonesia|indonesien|indonesie
ie|irl|ireland|irland|irlande|irlanda|ierland|republic of ireland|eire
il|isr|israel|israele
im|imn|isle of man|ile de man|isla de man|isola di man|ilha de man
in|ind|india|indien|inde|bharat
io|iot|british indian ocean territory|britische territorien im indischen ozean|territoires
    britanniques de l ocean indien|territorio britanico del oceano indico|territorio britannico
    dell oceano indiano|territorio britanico do oceano indico|britse gebieden in de indische oceaan
iq|irq|iraq|irak|iraque
ir|irn|iran|ira|iran islamic republic of
is|isl|iceland|island|islande|islandia|islanda|ijsland
it|ita|italy|italien|italie|italia
je|jey|jersey
jm|jam|jamaica|jamaika|jamaique|giamaica
jo|jor|jordan|jordanien|jordanie|jordania|giordania
jp|jpn|japan|japon|giappone|japao
ke|ken|kenya|kenia|quenia
kg|kgz|kyrgyzstan|kirgistan|kirguizistan|kirghizistan|quirguistao|kirgizie
kh|khm|cambodia|kambodscha|cambodge|camboya|cambogia|camboja|cambodja
ki|kir|kiribati|quiribati
km|com|comoros|komoren|comores|comore|comoren
kn|kna|saint kitts and nevis|saint kitts und nevis|saint christophe et nieves|san cristobal y
    nieves|saint kitts e nevis|sao cristovao e nevis|saint kitts en nevis
kp|prk|north korea|nordkorea|coree du nord|corea del norte|corea del nord|coreia do norte|noord
    korea
kr|kor|south korea|sudkorea|coree du sud|corea del sur|corea del sud|coreia do sul|zuid
    korea|대한민국|korea|republic of korea|korea republic of
kw|kwt|kuwait|koweit|koeweit
ky|cym|cayman islands|kaiman inseln|iles caimans|islas caiman|isole cayman|ilhas
    caiman|caymaneilanden
kz|kaz|kazakhstan|kasachstan|kazajstan|casaquistao|kazachstan
la|lao|laos|republica popular democratica do laos
lb|lbn|lebanon|libanon|liban|libano
lc|lca|saint lucia|st lucia|sainte lucie|santa lucia|sainte lucia
li|lie|liechtenstein
lk|lka|sri lanka|ceylon
lr|lbr|liberia
ls|lso|lesotho|lesoto
lt|ltu|lithuania|litauen|lithuanie|lituania|litouwen|lietuva
lu|lux|luxembourg|luxemburg|luxemburgo|lussemburgo
lv|lva|latvia|lettland|lettonie|letonia|lettonia|letland|latvija
ly|lby|libya|libyen|libye|libia|libie
ma|mar|morocco|marokko|maroc|marruecos|marocco|marrocos
mc|mco|monaco
md|mda|moldova|moldau|moldavie|moldavia|moldova republic of
me|mne|montenegro
mf|maf|saint martin|st martin|san martin|sao martinho
mg|mdg|madagascar|madagaskar
mh|mhl|marshall islands|marshall inseln|iles marshall|islas marshall|isole marshall|ilhas
    marshall|marshalleilanden
mk|mkd|macedonia|mazedonien|macedoine|macedonie|north macedonia|fyrom
ml|mli|mali
mm|mmr|myanmar|mianmar birmania|burma
mn|mng|mongolia|mongolei|mongolie
mo|mac|macao|macau regiao admin especial da china|macao sar van china|macau
mp|mnp|northern mariana islands|nordliche mariannen inseln|iles mariannes du nord|islas
    marianas del norte|isole marianne settentrionali|ilhas marianas do norte|noordelijke
    marianeneilanden
mq|mtq|martinique|martinica
mr|mrt|mauritania|mauretanien|mauritanie
ms|msr|montserrat
mt|mlt|malta|malte
mu|mus|mauritius|maurice|mauricio|maurizio
mv|mdv|maldives|maldiven|maldivas|maldive
mw|mwi|malawi|malaui
mx|mex|mexico|mexiko|mexique|messico
my|mys|malaysia|malaisie|malasia|maleisie
mz|moz|mozambique|mosambik|mozambico|mocambique
na|nam|namibia|namibie
nc|ncl|new caledonia|neukaledonien|nouvelle caledonie|nueva caledonia|nuova caledonia|nova
    caledonia|nieuw caledonie
ne|ner|niger
nf|nfk|norfolk island|norfolk insel|ile norfolk|isla norfolk|isola norfolk|ilha
    norfolk|norfolkeiland
ng|nga|nigeria
ni|nic|nicaragua
nl|nld|netherlands|niederlande|pays bas|holanda|paesi bassi|nederland|holland|the
    netherlands|paises bajos
no|nor|norway|norwegen|norvege|noruega|norvegia|noorwegen|norge
np|npl|nepal
nr|nru|nauru
nu|niu|niue
nz|nzl|new zealand|neuseeland|nouvelle zelande|nueva zelanda|nuova zelanda|nova zelandia|nieuw
    zeeland
om|omn|oman|oma
pa|pan|panama
pe|per|peru|perou
pf|pyf|french polynesia|franzosisch polynesien|polynesie francaise|polinesia francesa|polinesia
    francese|frans polynesie
pg|png|papua new guinea|papua neuguinea|papouasie nouvelle guinee|papua nuova guinea|papua nova
    guine|papoea nieuw guinea
ph|phl|philippines|philippinen|filipinas|filippine|filipijnen|the philippines
pk|pak|pakistan|paquistan|paquistao
pl|pol|poland|polen|pologne|polonia|polska
pm|spm|saint pierre and miquelon|st pierre und miquelon|saint pierre et miquelon|san pedro y
    miquelon|saint pierre e miquelon|saint pierre en miquelon
pn|pcn|pitcairn|islas pitcairn
pr|pri|puerto rico|porto rico
ps|pse|palestine|palastina|palestina|territorios palestinos|palestijns gebied
pt|prt|portugal|portogallo
pw|plw|palau|belau|palaos
py|pry|paraguay|paraguai
qa|qat|qatar|katar|catar
re|reu|reunion|la reunion|reuniao
ro|rou|romania|rumanien|roumanie|rumania|romenia|roemenie
rs|srb|serbia|serbien|serbie|servia|servie
ru|rus|russia|russland|russie|rusia|rusland|россия|russian federation
rw|rwa|rwanda|ruanda
sa|sau|saudi arabia|saudi arabien|arabie saoudite|arabia saudita|saoedi arabie|ksa
sb|slb|solomon islands|solomon inseln|iles salomon|islas salomon|isole solomon|ilhas
    salomao|salomonseilanden
sc|syc|seychelles|seychellen
sd|sdn|sudan|soudan|sudao|soedan|the sudan
se|swe|sweden|schweden|suede|suecia|svezia|zweden|sverige
sg|sgp|singapore|singapur|singapour|cingapura
sh|shn|saint helena|st helena|sainte helene|santa helena|sant elena|sint helena
si|svn|slovenia|slowenien|slovenie|eslovenia|slovenija
sj|sjm|svalbard and jan mayen|svalbard und jan mayen|svalbard et jan mayen|svalbard y jan
    mayen|svalbard e jan mayen|svalbard en jan mayen
sk|svk|slovakia|slowakei|slovaquie|eslovaquia|slovacchia|slowakije|slovenska republika|slovak
    republic
sl|sle|sierra leone|sierra leona|serra leoa
sm|smr|san marino|saint marin
sn|sen|senegal
so|som|somalia|somalie
sr|sur|suriname|surinam
ss|ssd|south sudan|sudsudan|sud soudan|sudan del sur|sudan del sud
st|stp|sao tome and principe|sao tome und principe|sao tome et principe|santo tome y
    principe|sao tome e principe|sao tome en principe
sv|slv|el salvador
sx|sxm|sint maarten dutch part|sint maarten niederlandischer teil|saint martin partie
    neerlandaise|san martin region holandesa|sint maarten parte olandese
sy|syr|syria|syrien|syrie|siria
sz|swz|swaziland|swasiland|suazilandia|eswatini
tc|tca|turks and caicos islands|turks und caicos inseln|iles turks et caicos|islas turcas y
    caicos|isole turks e caicos|ilhas turks e caicos|turks en caicoseilanden
td|tcd|chad|tschad|tchad|ciad|chade|tsjaad
tf|atf|french southern territories|franzosische sudgebiete|territoires francais du
    sud|territorios franceses del sur|territori francesi d oltremare|territorios franceses do
    sul|franse gebieden in de zuidelijke indische oceaan
tg|tgo|togo
th|tha|thailand|thailande|tailandia|thailandia
tj|tjk|tajikistan|tadschikistan|tadjikistan|tayikistan|tagikistan|tadjiquistao|tadzjikistan
tk|tkl|tokelau
tl|tls|timor leste|timor oriental|oost timor|east timor
tm|tkm|turkmenistan|turcomenistao
tn|tun|tunisia|tunesien|tunisie|tunez|tunesie
to|ton|tonga
tr|tur|turkey|turkei|turquie|turquia|turchia|turkije|turkiye
tt|tto|trinidad and tobago|trinidad und tobago|trinite et tobago|trinidad y tobago|trinidad e
    tobago|trinidad en tobago|trinidad
tv|tuv|tuvalu
tw|twn|taiwan|taiwan province of china
tz|tza|tanzania|tansania|tanzanie|tanzania united republic of
ua|ukr|ukraine|ucrania|ucraina|oekraine|украіна
ug|uga|uganda|ouganda|oeganda
um|umi|united states minor outlying islands|ubrige inseln im pazifik der usa|dependances
    americaines du pacifique|islas menores alejadas de los estados unidos|isole minori lontane
    degli stati uniti|ilhas menores distantes dos estados unidos|amerikaanse kleinere afgelegen
    eilanden
us|usa|united states|vereinigte staaten von amerika|etats unis|estados unidos|stati
    uniti|verenigde staten|united states of america|u s|u s a|america|usa|ee uu|eeuu|vereinigte
    staaten
uy|ury|uruguay|uruguai
uz|uzb|uzbekistan|usbekistan|ouzbekistan|uzbequistao|oezbekistan
va|vat|vatican|vatikanstadt|ciudad del vaticano|citta del vaticano|vaticano|vaticaanstad
vc|vct|saint vincent and the grenadines|st vincent und die grenadinen|saint vincent et les
    grenadines|san vicente y las granadinas|saint vincent e grenadine|sao vicente e
    granadinas|saint vincent en de grenadines
ve|ven|venezuela|venezuela bolivarian republic of
vg|vgb|british virgin islands|britische jungferninseln|iles vierges britanniques|islas virgenes
    britanicas|isole vergini gb|ilhas virgens britanicas|britse maagdeneilanden
vi|vir|u s virgin islands|amerikanische jungferninseln|iles vierges americaines|islas virgenes
    americanas|isole vergini usa|ilhas virgens dos eua|amerikaanse maagdeneilanden
vn|vnm|vietnam|vietna|viet nam
vu|vut|vanuatu
wf|wlf|wallis and futuna|wallis und futuna|wallis et futuna|wallis y futuna|wallis e
    futuna|wallis en futuna
ws|wsm|samoa
xk|xkx|kosovo
ye|yem|yemen|jemen|iemen
yt|myt|mayotte|mayotta
za|zaf|south africa|sudafrika|afrique du sud|sudafrica|africa do sul|zuid afrika|rsa
zm|zmb|zambia|sambia|zambie
zw|zwe|zimbabwe|simbabwe|zimbabue
"""
