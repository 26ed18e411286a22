; Once per frame: sprites, one field row per player, counters on the screen, frame counter, pads.
.include "ram.inc"
.include "routines.inc"

; where the level screen (art/level.txt) leaves room for the counters
HUD_TOP    = $2000 + 8 * 32 + 2
HUD_SCORE  = $2000 + 11 * 32 + 2
HUD_TALLY  = $2000 + 18 * 32 + 7
HUD_LEVEL  = $2000 + 16 * 32 + 26
HUD_VIRUS  = $2000 + 22 * 32 + 26

.macro put_at address
  lda #>(address)
  sta PPUADDR
  lda #<(address)
  sta PPUADDR
.endmacro

.segment "CODE"

nmi:
  pha
  txa
  pha
  tya
  pha
  lda ppu_busy
  bne @no_video
  lda #0
  sta OAMADDR
  lda #>oam
  sta OAMDMA
  bit PPUSTATUS
  lda field_shown
  beq @scroll
  jsr redraw_row
  jsr draw_counters
@scroll:
  jsr choose_table
  lda #0
  sta PPUSCROLL
  sta PPUSCROLL
  lda ppu_mask
  sta PPUMASK
@no_video:
  inc frame_counter
  jsr read_pads
  lda #1
  sta nmi_done
  pla
  tay
  pla
  tax
  pla
irq:
  rti

; Field bytes are tile numbers, so a row is copied as it is.  The row counter is what the
; rules wait for after a lock, a fall and a clear: it must reach $FF first.
.proc redraw_row
  ldx P1 + O_REDRAW
  bmi @done
  lda row_address_high, x
  sta PPUADDR
  lda row_address_low, x
  sta PPUADDR
  txa
  asl a
  asl a
  asl a
  tax
.repeat 8, I
  lda field1 + I, x
  sta PPUDATA
.endrepeat
  dec P1 + O_REDRAW
@done:
  rts
.endproc

.proc draw_counters
  put_at HUD_TOP
.repeat 6, I
  lda high_score + 5 - I
  sta PPUDATA
.endrepeat
  put_at HUD_SCORE
.repeat 6, I
  lda score + 5 - I
  sta PPUDATA
.endrepeat
  put_at HUD_LEVEL
  ldx P1 + O_LEVEL
  lda tens, x
  sta PPUDATA
  lda ones, x
  sta PPUDATA
  put_at HUD_VIRUS
  lda P1 + O_VIRUSES
  lsr a
  lsr a
  lsr a
  lsr a
  sta PPUDATA
  lda P1 + O_VIRUSES
  and #$0F
  sta PPUDATA
.repeat 3, I
  put_at HUD_TALLY + I * 64
  ldx virus_tally + I
  lda tens, x
  sta PPUDATA
  lda ones, x
  sta PPUDATA
.endrepeat
  rts
.endproc

; The two tile tables differ in the viruses alone: switching them makes them wriggle.
.proc choose_table
  lda frame_counter
  and #$10
  ora ppu_ctrl
  sta PPUCTRL
  rts
.endproc

; Read twice and ANDed: a sample bit lost or gained in one reading does not become a press.
.proc read_pads
  jsr sample
  lda t_pad
  sta nmi_pad
  lda t_pad + 1
  sta nmi_pad + 1
  jsr sample
  ldx #1
@player:
  lda t_pad, x
  and nmi_pad, x
  tay
  eor p1_held, x
  sta nmi_row
  tya
  and nmi_row
  sta p1_pressed, x
  sty p1_held, x
  dex
  bpl @player
  rts
.endproc

t_pad = nmi_pad + 2

; Bit 0 is the pad, bit 1 a pad in the expansion port.
.proc sample
  lda #1
  sta JOY1
  lda #0
  sta JOY1
  ldx #8
@bit:
  lda JOY1
  and #3
  cmp #1
  rol t_pad
  lda JOY2
  and #3
  cmp #1
  rol t_pad + 1
  dex
  bne @bit
  rts
.endproc

.segment "DATA"
tens:
.repeat 85, I
  .byte I / 10
.endrepeat
ones:
.repeat 85, I
  .byte I .mod 10
.endrepeat
