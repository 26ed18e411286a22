; Lines of four or more of one colour: steps 5 and 6 of a resolution.
; Both passes look at every cell within one frame, for two players at once: hence a loop each.
.include "ram.inc"
.include "routines.inc"

MATCH_LENGTH = 4
NO_COLOUR = $FF

run_colour = t1
run_start = t2
run_left = t3
stride = t4
cells_left = t5
last_cell = t6

.segment "CODE"

; One line from cell Y on, `cells` long; X counts the run.  A run ends at another colour, an empty cell or the
; line's end.  Leaves Y one step past the line.
.macro match_line cells
.local cell, longer, next, empty, done
  lda #cells
  sta cells_left
  lda #NO_COLOUR
  sta run_colour
  ldx #0
cell:
  lda (field), y
  cmp #CELL_EMPTIED
  bcs empty
  and #3
  cmp run_colour
  beq longer
  cpx #MATCH_LENGTH
  bcc :+
  jsr mark_run
: sta run_colour
  sty run_start
  ldx #0
longer:
  inx
next:
.if cells = 8
  iny
.else
  tya
  clc
  adc #8
  tay
.endif
  dec cells_left
  bne cell
  cpx #MATCH_LENGTH
  bcc done
  jsr mark_run
  jmp done
empty:
  cpx #MATCH_LENGTH
  bcc :+
  jsr mark_run
: lda #NO_COLOUR
  sta run_colour
  ldx #0
  beq next
done:
.endmacro

.proc match_rows
  lda #1
  sta stride
  ldy #0
line:
  match_line 8
  cpy #128
  bne line
  jmp next_step
.endproc

.proc match_columns
  lda #8
  sta stride
  ldy #0
line:
  match_line 16
  tya                           ; column + 128
  sec
  sbc #127
  tay
  cpy #8
  bne line
  jmp next_step
.endproc

; Marks the run of X cells from run_start.  Keeps A and Y.
.proc mark_run
  pha
  sty last_cell
  stx run_left
  ldx P + O_MATCHES
  cpx #4
  bcs :+
  lda run_colour
  sta P + O_MATCH_COLOURS, x    ; what an opponent would receive
: inc P + O_MATCHES
  lda #1
  sta P + O_MATCHED
  ldy run_start
@cell:
  jsr clear_cell
  tya
  clc
  adc stride
  tay
  dec run_left
  bne @cell
  ldy last_cell
  pla
  rts
.endproc

; Cell Y of a run: $Bx.  A cell of two runs counts once.
.proc clear_cell
  lda (field), y
  and #$F0
  cmp #CELL_CLEARING
  beq @mark
  inc P + O_CELLS
  cmp #CELL_VIRUS
  bne @mark
  jsr kill_virus
@mark:
  lda run_colour
  ora #CELL_CLEARING
  sta (field), y
  rts
.endproc

.proc kill_virus
  ldx run_colour
  dec virus_tally, x
  lda P + O_VIRUSES
  jsr bcd_down
  sta P + O_VIRUSES
  jsr two_play
  bcs :+
  jsr add_score                 ; by the kills before this one; two players have no score
: inc P + O_KILLS
  rts
.endproc
